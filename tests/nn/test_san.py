"""SAN10, SAN15 and SAN19 are the published networks."""

import pytest
import torch

from sklidh.nn import SAN
from sklidh.nn._device import isolated_torch
from sklidh.nn._san import ModalitySAN


@pytest.fixture(autouse=True)
def same_numbers_every_time():
    with isolated_torch(seed=0):
        yield


def millions_of_parameters(network):
    return round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 2)


@pytest.mark.parametrize(
    ("architecture", "published"), [("san10", 10.53), ("san15", 14.07), ("san19", 17.60)]
)
def test_networks_have_the_published_number_of_parameters(architecture, published):
    network = SAN(architecture, in_channels=3, n_features=None, n_classes=1000)
    assert millions_of_parameters(network) == published


@pytest.mark.parametrize(
    ("architecture", "expected"), [("san10", 8.74), ("san15", 12.28), ("san19", 15.81)]
)
def test_networks_for_one_modality_and_two_classes_are_smaller(architecture, expected):
    assert millions_of_parameters(SAN(architecture)) == expected


@pytest.mark.parametrize("size", [16, 24, 31, 32, 45, 72])
def test_images_of_any_size_pass_through_and_back(size):
    network = SAN(n_features=8)
    features = network.features(torch.randn(2, 1, size, size))
    assert features.shape == (2, 8)
    network.classifier(features).square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_a_batch_equals_its_images_one_by_one():
    network = SAN(n_features=8).eval()
    x = torch.randn(3, 1, 32, 32)
    one_by_one = torch.cat([network.features(image[None]) for image in x])
    torch.testing.assert_close(network.features(x), one_by_one, rtol=1e-5, atol=1e-5)


def test_under_autocast_a_network_trains_and_predicts_in_half_precision():
    network = SAN(n_features=8)
    x = torch.randn(3, 1, 32, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network(x).float().square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())
    network.eval()
    expected = network.features(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = network.features(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=0.1 * expected.std().item())


def test_the_classifier_reads_the_features():
    network = SAN(n_features=8).eval()
    x = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(network(x), network.classifier(network.features(x)))


def test_the_published_network_classifies_the_averages_of_its_last_map():
    network = SAN(in_channels=3, n_features=None, n_classes=5).eval()
    x = torch.randn(2, 3, 32, 32)
    assert network.features(x).shape == (2, 2048)
    assert network(x).shape == (2, 5)


def test_an_empty_batch_is_an_error():
    with pytest.raises(ValueError, match=r"shape \(0, 1, 32, 32\) has no pixel"):
        SAN()(torch.zeros(0, 1, 32, 32))


def saved_bytes(network, x):
    """Return the memory that autograd stores for the backward pass, without the parameters."""
    kept, known = {}, {p.untyped_storage().data_ptr() for p in network.parameters()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(x).sum()
    return sum(kept.values())


def test_a_training_step_of_the_default_size_keeps_at_most_230_mib():
    assert saved_bytes(SAN(), torch.randn(16, 1, 72, 72)) <= 230 * 2**20


def test_half_precision_needs_about_half_the_memory(monkeypatch):
    for module in ("_attention", "_layers"):
        monkeypatch.setattr(f"sklidh.nn.{module}.is_parallel", lambda x: False)
    network, x = SAN(n_features=8), torch.randn(4, 1, 64, 64)
    single = saved_bytes(network, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert saved_bytes(network, x) < 0.7 * single


@pytest.mark.parametrize("n_columns", [0, 3])
def test_every_parameter_has_a_gradient(n_columns):
    network = ModalitySAN(in_channels=2, n_features=8, channel_attention=True, n_columns=n_columns)
    # With the running averages: the batch's own would cancel the biases before a normalisation.
    images, columns = torch.randn(2, 2, 64, 64), torch.randn(2, 3)  # 2 x 2 in the last stage
    network.eval()((images, columns) if n_columns else images).square().sum().backward()
    assert [name for name, p in network.named_parameters() if not p.grad.any()] == []
