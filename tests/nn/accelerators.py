"""On an accelerator networks run as plain torch: no mixed devices, few kernels, no transfers.

A stub device stands in for the accelerator: its tensors hold their values on the CPU, and every
operation on them is counted.
"""

import copy
from collections import Counter
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from sklidh.nn import SAN, PairwiseAttention
from sklidh.nn._device import isolated_torch
from sklidh.nn._san import Bottleneck, Stage, Stem

if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
    pytest.skip("this version of torch has no backends in Python", allow_module_level=True)
TRANSFERS = {"aten._local_scalar_dense", "aten._to_copy", "aten.copy_"}


class Stub(torch.Tensor):
    """A tensor on the stub device with its values in a CPU tensor."""

    @staticmethod
    def __new__(cls, values):
        layout = {"strides": values.stride(), "storage_offset": values.storage_offset()}
        return torch.Tensor._make_wrapper_subclass(
            cls, values.shape, dtype=values.dtype, device="stub:0", **layout
        )

    def __init__(self, values):
        self.values_ = values

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        with Device() as device:
            return device.run(function, args, kwargs or {})


class Device(TorchDispatchMode):
    """Run all operations on stub tensors on the CPU, counting kernels and transfers."""

    kernels, transfers = Counter(), Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return self.run(function, args, kwargs or {})

    def run(self, function, args, kwargs):
        """Run one operation."""
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        stubs = [each for each in tensors if isinstance(each, Stub)]
        target = kwargs.get("device")
        on_stub = target is not None and torch.device(target).type == "stub"
        if not stubs and not on_stub:
            return function(*args, **kwargs)
        name = str(function).rpartition(".")[0]
        if name in TRANSFERS and (
            name == "aten._local_scalar_dense"
            or len(stubs) < len(tensors)
            or (target is not None and on_stub != bool(stubs))
        ):
            Device.transfers[name] += 1
        elif any(each.ndim for each in tensors if not isinstance(each, Stub)) and stubs:
            raise RuntimeError(f"{function}: tensors on stub:0 and cpu")
        aliases = [each.alias_info for each in function._schema.arguments]
        is_view = any(alias is not None and not alias.is_write for alias in aliases)
        if not is_view and "empty" not in name:
            Device.kernels[name] += 1
        given = tree_map(lambda each: each.values_ if isinstance(each, Stub) else each, args)
        options = {
            key: value.values_ if isinstance(value, Stub) else value
            for key, value in kwargs.items()
            if key != "device"
        }
        if target is not None:
            options["device"] = "cpu"
        out = function(*given, **options)
        if name == "aten._local_scalar_dense" or (target is not None and not on_stub):
            return out
        if any(alias is not None and alias.is_write for alias in aliases):
            written = [kwargs[key] for key in ("out",) if key in kwargs]
            return written[0] if written else args[0]
        return tree_map(lambda each: Stub(each) if isinstance(each, torch.Tensor) else each, out)


class Backend(backend_registration._DummyBackendModule):
    """The functions that torch calls on a backend when a seed is set."""

    @staticmethod
    def _is_in_bad_fork():
        return False

    @staticmethod
    def manual_seed_all(seed):
        """The stub device draws no random numbers."""


@pytest.fixture(scope="module", autouse=True)
def stub_backend():
    backend_registration._setup_privateuseone_for_python_backend("stub", Backend())


@pytest.fixture(autouse=True)
def same_numbers_every_time():
    with isolated_torch(seed=0):
        yield


def on_stub(network):
    """Return a copy of a network whose parameters and buffers are on the stub device."""
    network = copy.deepcopy(network)
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = torch.nn.Parameter(Stub(parameter.detach()))
        for name, buffer in module._buffers.items():
            module._buffers[name] = Stub(buffer)
    return network


def counted(network, x):
    """Return output, gradients and the numbers of kernels and transfers of one pass."""
    Device.kernels.clear()
    Device.transfers.clear()
    with Device():
        out = network(x)
        out.square().sum().backward()
    kernels, transfers = Device.kernels.total(), Device.transfers.total()
    return out, [each.grad for each in network.parameters()], kernels, transfers


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(3, 1, 32, 32), (2, 4, 40, 24), (1, 1, 64, 64)])
def test_a_network_gives_the_same_result_on_another_device(training, shape):
    network = SAN(n_features=8, in_channels=shape[1]).double().train(training)
    for module in network.modules():  # away from the initial values, where a ReLU has its kink
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
    x = torch.randn(*shape, dtype=torch.float64)
    stub = on_stub(network)
    out, grads, _, transfers = counted(stub, Stub(x))
    expected, expected_grads, _, _ = counted(network, x)
    assert transfers == 0
    torch.testing.assert_close(out.values_, expected, rtol=1e-9, atol=1e-10)
    largest = max(grad.abs().max() for grad in expected_grads)
    for found, right in zip(grads, expected_grads, strict=True):
        assert (found.values_ - right).abs().max() < 1e-9 * largest
    for found, right in zip(stub.buffers(), network.buffers(), strict=True):
        torch.testing.assert_close(found.values_, right, rtol=1e-9, atol=1e-10)


def unfolded(block, x):
    """Plain pairwise attention with every pair of pixels in memory."""
    B, _, H, W = x.shape
    k = block.kernel_size
    reach = k // 2

    def unfold(maps):
        mode = "reflect" if reach < min(H, W) else "replicate"
        return F.unfold(F.pad(maps, [reach] * 4, mode=mode), k).view(B, -1, k * k, H * W)

    def convolution(layer, maps):
        return F.conv2d(maps, layer.weight, layer.bias)

    across = torch.linspace(-1, 1, W, device=x.device).expand(H, W)
    down = torch.linspace(-1, 1, H, device=x.device)[:, None].expand(H, W)
    place = block.position(torch.stack([across, down])[None]).expand(B, -1, -1, -1)
    delta = convolution(block.phi, x).flatten(2).unsqueeze(2) - unfold(convolution(block.psi, x))
    distance = place.flatten(2).unsqueeze(2) - unfold(place)
    weights = block.gamma(torch.cat([delta, distance], 1)).softmax(2)
    values = unfold(convolution(block.beta, x)).view(B, block.share, -1, k * k, H * W)
    return (weights.unsqueeze(1) * values).sum(3).reshape(B, -1, H, W)


def plain_bottleneck(block, x):
    attended = block.attention(F.relu(block.norm_in(x)))
    return block.expand(F.relu(block.norm_out(attended))) + x


def plain_stage(stage, x):
    x = F.relu(stage.norm(stage.blocks(stage.transition(x))))
    return F.max_pool2d(x, 2) if stage.halves else x


def plain_stem(stem, x):
    return F.max_pool2d(F.relu(stem.norm(stem.convolution(x))), 2)


@pytest.mark.parametrize("size", [72, 224])
def test_a_training_step_launches_hardly_more_kernels_than_unfolded_attention(size):
    network = on_stub(SAN())
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if isinstance(module, PairwiseAttention):
            module.forward = partial(unfolded, module)
        if isinstance(module, Bottleneck):
            module.forward = partial(plain_bottleneck, module)
        if isinstance(module, Stage):
            module.forward = partial(plain_stage, module)
        if isinstance(module, Stem):
            module.forward = partial(plain_stem, module)
    # The number of kernels depends on the size of the maps, not on the number of images.
    x = Stub(torch.randn(1, 1, size, size))
    *_, kernels, transfers = counted(network, x)
    *_, bar, _ = counted(plain, x)
    assert transfers == 0
    assert kernels <= 1.2 * bar, (kernels, bar)


def test_mixed_devices_and_transfers_are_noticed():
    x = Stub(torch.ones(3))
    with pytest.raises(RuntimeError, match="stub:0 and cpu"):
        x + torch.ones(3)
    Device.transfers.clear()
    x.sum().item()
    assert Device.transfers.total() == 1
