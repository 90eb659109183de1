"""Tiled attention equals the plain one in values, gradients and running averages."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from sklidh.nn import SAN, PairwiseAttention
from sklidh.nn._device import isolated_torch
from sklidh.nn._pairs import Pixels, Windows, difference_moments, reflect_pad, reflected, visits
from sklidh.nn._san import Bottleneck, Stage, Stem
from sklidh.nn._tiles import Attend

# Maps larger than the 7 x 7 footprint, of its area or less, and narrower than its reach.
MAPS = [(12, 9), (8, 8), (7, 7), (4, 4), (3, 5), (2, 2), (1, 3), (1, 1)]


@pytest.fixture(autouse=True)
def same_numbers_every_time():
    with isolated_torch(seed=0):
        yield


def bounce(position, n):
    """Compute a reflected position step by step, like a ball between two walls."""
    at, step = 0, 1 if position > 0 else -1
    for _ in range(abs(position)):
        if n == 1:
            return 0
        if not 0 <= at + step < n:
            step = -step
        at += step
    return at


def unfold_reflected(x, k):
    """Return every pixel's footprint: (B, C, H, W) to (B, C, k * k, H * W)."""
    B, C, H, W = x.shape
    rows = [bounce(i, H) for i in range(-(k // 2), H + k // 2)]
    columns = [bounce(i, W) for i in range(-(k // 2), W + k // 2)]
    padded = x[:, :, rows][:, :, :, columns]
    return F.unfold(padded, k).view(B, C, k * k, H * W)


def obvious_pairwise(block, x):
    """Pairwise attention as in Eq. 1 and 2, with explicit pairs of pixels."""
    B, _, H, W = x.shape
    k = block.kernel_size

    def difference(target, neighbour):
        return target.flatten(2).unsqueeze(2) - unfold_reflected(neighbour, k)

    across = torch.linspace(-1, 1, W, dtype=x.dtype).expand(H, W)
    down = torch.linspace(-1, 1, H, dtype=x.dtype)[:, None].expand(H, W)
    place = block.position(torch.stack([across, down])[None])
    delta = difference(block.phi(x), block.psi(x))
    delta = torch.cat([delta, difference(place, place).expand(B, -1, -1, -1)], 1)
    weights = block.gamma(delta).softmax(2)
    values = unfold_reflected(block.beta(x), k)
    weights = weights.repeat(1, block.share, 1, 1)  # channel c takes weight c mod G
    return (weights * values).sum(2).view(B, -1, H, W)


def obvious_bottleneck(block, x):
    attended = block.attention(F.relu(block.norm_in(x)))
    return block.expand(F.relu(block.norm_out(attended))) + x


def obvious_stage(stage, x):
    x = F.relu(stage.norm(stage.blocks(stage.transition(x))))
    return F.max_pool2d(x, 2) if stage.halves and min(x.shape[2:]) > 1 else x


def obvious_stem(stem, x):
    maps = F.conv2d(x, stem.convolution.weight)
    return F.max_pool2d(F.relu(stem.norm(maps)), 2)


def scattered(block, dtype):
    """Move a block away from its initial values, which lie on the kink of a ReLU."""
    block = block.to(dtype)
    for module in block.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return block


def relative_error(one, other):
    return float((one - other).detach().abs().max() / (other.detach().abs().max() + 1e-30))


def errors(block, obvious, x):
    """Compare output, all gradients and running averages; return the errors by name."""
    other = copy.deepcopy(block)
    xs = [x.clone().requires_grad_() for _ in range(2)]
    out, expected = block(xs[0]), obvious(other, xs[1])
    grad = torch.randn_like(expected)
    out.backward(grad)
    expected.backward(grad)
    found = {
        "output": relative_error(out, expected),
        "input": relative_error(xs[0].grad, xs[1].grad),
    }
    # Some biases cancel, in the difference, the normalisation or the softmax: their gradient is 0
    # but for rounding. So every error is relative to at least a hundredth of the largest gradient.
    floor = 0.01 * max(float(p.grad.abs().max()) for p in other.parameters())
    for (name, ours), theirs in zip(block.named_parameters(), other.parameters(), strict=True):
        difference = float((ours.grad - theirs.grad).abs().max())
        found[name] = difference / max(float(theirs.grad.abs().max()), floor)
    for (name, ours), theirs in zip(block.named_buffers(), other.buffers(), strict=True):
        found[name] = relative_error(ours, theirs)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", MAPS)
def test_pairwise_attention_equals_the_plain_implementation_in_float64(shape, training):
    block = scattered(PairwiseAttention(16, 4, 16, kernel_size=7), torch.float64).train(training)
    found = errors(block, obvious_pairwise, torch.randn(3, 16, *shape, dtype=torch.float64))
    assert max(found.values()) < 1e-12, found


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_pairwise_attention_equals_the_plain_implementation_at_other_footprints(kernel_size):
    block = scattered(PairwiseAttention(8, 4, 8, share=2, kernel_size=kernel_size), torch.float64)
    found = errors(block, obvious_pairwise, torch.randn(2, 8, 9, 6, dtype=torch.float64))
    assert max(found.values()) < 1e-12, found


@pytest.mark.parametrize("shape", [(9, 9), (4, 4)])
def test_pairwise_attention_equals_the_plain_implementation_in_float32(shape):
    # A small block: among a million pairs one lies within rounding of the kink of a ReLU, where
    # the two blocks may take the gradient of different sides.
    block = scattered(PairwiseAttention(32, 4, 32, kernel_size=7), torch.float32)
    found = errors(block, obvious_pairwise, torch.randn(2, 32, *shape))
    # The parameters' gradients are sums over all pairs, of terms that cancel.
    sums = [found.pop(name) for name, _ in block.named_parameters()]
    assert max(found.values()) < 1e-5, found
    assert max(sums) < 2e-4


def test_pairwise_attention_equals_the_plain_implementation_in_float32_at_full_size():
    block = scattered(PairwiseAttention(256, 16, 64, kernel_size=7), torch.float32)
    x = torch.randn(4, 256, 18, 18)
    assert relative_error(block(x), obvious_pairwise(copy.deepcopy(block), x)) < 1e-5


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def maps_of(kind, k=3):
    """Return phi, psi and beta for a class of pairs: 2 images of 2 x 3 pixels."""
    halo = k - 1 if kind is Windows else 0
    padded = 2 + halo, 3 + halo
    return draw(2, 2, 3, 4), draw(2, *padded, 4), draw(2, 2, *padded, 3)


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("kind", "k"), [(Windows, 3), (Pixels, 5)])
@pytest.mark.parametrize("size", [1, 10**9], ids=["rows", "images"])
def test_gradients_of_attention_are_those_of_finite_differences(
    kind, k, training, size, monkeypatch
):
    monkeypatch.setattr("sklidh.nn._pairs.TILE_BYTES", size)
    norm = scattered(torch.nn.BatchNorm2d(4), torch.float64).train(training)
    inputs = [*maps_of(kind, k), draw(4, 4), draw(4), draw(4), draw(3, 4)]
    assert len(kind(k, *inputs[:3]).tiles()) > 1 or size > 1
    assert gradcheck(partial(Attend.apply, kind, k, norm, True), inputs, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 4), (2, 3)])
def test_moments_of_differences_are_those_of_all_pairs(shape):
    phi, psi = draw(2, *shape, 3) + 100, draw(2, *shape, 3) - 50
    pairs = phi.permute(0, 3, 1, 2).flatten(2).unsqueeze(2)
    pairs = pairs - unfold_reflected(psi.permute(0, 3, 1, 2), 5)
    expected = pairs.mean((0, 2, 3)), pairs.var((0, 2, 3), correction=0)
    for found, right in zip(difference_moments(phi, psi, 5), expected, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(12, 9), (4, 4), (1, 3)])
def test_the_plain_path_and_the_tiles_agree(shape, training, monkeypatch):
    block = scattered(PairwiseAttention(16, 4, 16, kernel_size=5), torch.float64).train(training)

    def plain(block, x):
        with monkeypatch.context() as patch:
            for module in ("_attention", "_layers"):
                patch.setattr(f"sklidh.nn.{module}.is_parallel", lambda x: False)
            return block(x)

    found = errors(block, plain, torch.randn(3, 16, *shape, dtype=torch.float64))
    assert max(found.values()) < 1e-12, found


def test_a_nan_pixel_reaches_exactly_the_pixels_that_attend_to_it():
    block = PairwiseAttention(8, 4, 8, kernel_size=3).eval()
    x = torch.randn(1, 8, 9, 9)
    x[:, :, 4, 4] = torch.nan
    seen = block(x).isnan().all(1)[0]
    assert seen[3:6, 3:6].all()
    assert seen.sum() == 9


def test_the_number_of_tiles_grows_with_the_work():
    def tiles(B, H, C):
        phi, psi = torch.empty(B, H, H, C), torch.empty(B, H + 6, H + 6, C)
        return len(Windows(7, phi, psi, torch.empty(8, B, H + 6, H + 6, 1)).tiles())

    # A training step of 16 images of 72 pixels; 4 images of 224 pixels; little work is not divided.
    assert [tiles(16, 18, 18), tiles(16, 9, 34), tiles(4, 56, 18), tiles(2, 9, 10)] == [
        16,
        9,
        32,
        1,
    ]


def test_tiles_change_only_the_rounding(monkeypatch):
    block = scattered(PairwiseAttention(16, 4, 16, kernel_size=3), torch.float64)
    x = torch.randn(3, 16, 7, 6, dtype=torch.float64)
    found = []
    for size in (1, 10_000, 10**9):  # a row, some images, everything
        monkeypatch.setattr("sklidh.nn._pairs.TILE_BYTES", size)
        found.append(copy.deepcopy(block)(x))
    torch.testing.assert_close(found, [found[0]] * 3)


def test_attention_to_a_constant_map_returns_its_values():
    # The weights of a footprint sum to 1, whatever they are.
    block = PairwiseAttention(8, 4, 8, kernel_size=5)
    x = torch.randn(2, 8, 1, 1).expand(2, 8, 6, 7)
    torch.testing.assert_close(block(x), block.beta(x))


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_reflection_is_periodic(n):
    assert reflected(n, 5).tolist() == [bounce(i, n) for i in range(-5, n + 5)]


def test_reflection_equals_torch_where_torch_defines_it():
    x = torch.randn(2, 3, 6, 5)
    assert torch.equal(reflect_pad(x, 3), F.pad(x, (3, 3, 3, 3), mode="reflect"))


@pytest.mark.parametrize("n", [1, 2, 4, 9])
def test_visits_count_the_pixels_of_a_footprint(n):
    for i, row in enumerate(visits(n, 7)):
        shown = [bounce(i + step, n) for step in range(-3, 4)]
        assert row.tolist() == [shown.count(j) for j in range(n)]


def test_a_batch_equals_its_images_one_by_one():
    block = scattered(PairwiseAttention(16, 4, 16), torch.float32).eval()
    x = torch.randn(3, 16, 9, 9)
    torch.testing.assert_close(block(x), torch.cat([block(image[None]) for image in x]))


def test_a_network_equals_the_plain_implementation():
    lean = scattered(SAN(n_features=8), torch.float64)
    obvious = copy.deepcopy(lean)
    for module in obvious.modules():
        if isinstance(module, PairwiseAttention):
            module.forward = partial(obvious_pairwise, module)
        if isinstance(module, Bottleneck):
            module.forward = partial(obvious_bottleneck, module)
        if isinstance(module, Stage):
            module.forward = partial(obvious_stage, module)
        if isinstance(module, Stem):
            module.forward = partial(obvious_stem, module)
    x = torch.randn(3, 1, 40, 32, dtype=torch.float64)
    for network in (lean, obvious):
        network(x).square().sum().backward()
    torch.testing.assert_close(lean(x), obvious(x), rtol=1e-9, atol=1e-10)
    expected = dict(obvious.named_parameters())
    largest = max(parameter.grad.abs().max() for parameter in expected.values())
    for name, parameter in lean.named_parameters():
        assert (parameter.grad - expected[name].grad).abs().max() < 1e-10 * largest, name
    for ours, theirs in zip(lean.buffers(), obvious.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)
