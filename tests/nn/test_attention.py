"""The lean attention is the obvious one: same values, gradients and running averages."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from sklidh.nn import SAN, PairwiseAttention, PatchwiseAttention
from sklidh.nn._attention import all_pairs
from sklidh.nn._native_windows import CompiledWindows
from sklidh.nn._neighbours import Pixels, Windows, reflect_pad, reflected, visits
from sklidh.nn._pairwise import Attend, DifferenceMoments
from sklidh.nn._san import Bottleneck, Stage, Stem
from sklidh.nn._training import fenced

# Maps larger than the 7 x 7 footprint, of its area or less, and narrower than its reach.
MAPS = [(12, 9), (8, 8), (7, 7), (4, 4), (3, 5), (2, 2), (1, 3), (1, 1)]


@pytest.fixture(autouse=True)
def same_numbers_every_time():
    with fenced(seed=0):
        yield


def bounce(position, n):
    """Walk to a position as a ball between two walls: the reflection, step by step."""
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
    """Pairwise attention as Eq. 1 and 2 say it, every pair of pixels written out."""
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


def obvious_patchwise(block, x):
    """Patchwise attention with one pixel's patch at a time."""
    B, _, H, W = x.shape
    k = block.kernel_size
    patch = unfold_reflected(block.psi(x), k).flatten(1, 2)
    joined = torch.cat([block.phi(x).flatten(2), patch], 1).unsqueeze(-1)
    weights = block.gamma(joined).view(B, -1, k * k, H * W).repeat(1, block.share, 1, 1)
    return (weights * unfold_reflected(block.beta(x), k)).sum(2).view(B, -1, H, W)


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
    """Move a block off its initial values, where channels sit on the kink of a ReLU."""
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
        ours = torch.zeros_like(theirs) if ours.grad is None else ours.grad
        difference = float((ours - theirs.grad).abs().max())
        found[name] = difference / max(float(theirs.grad.abs().max()), floor)
    for (name, ours), theirs in zip(block.named_buffers(), other.buffers(), strict=True):
        found[name] = relative_error(ours, theirs)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", MAPS)
def test_pairwise_attention_is_the_obvious_block_in_float64(shape, training):
    block = scattered(PairwiseAttention(16, 4, 16, kernel_size=7), torch.float64).train(training)
    found = errors(block, obvious_pairwise, torch.randn(3, 16, *shape, dtype=torch.float64))
    assert max(found.values()) < 1e-12, found


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_pairwise_attention_is_the_obvious_block_at_other_footprints(kernel_size):
    block = scattered(PairwiseAttention(8, 4, 8, share=2, kernel_size=kernel_size), torch.float64)
    found = errors(block, obvious_pairwise, torch.randn(2, 8, 9, 6, dtype=torch.float64))
    assert max(found.values()) < 1e-12, found


@pytest.mark.parametrize("shape", [(9, 9), (4, 4)])
def test_pairwise_attention_is_the_obvious_block_in_float32(shape):
    # A small block: among a million pairs one lies within rounding of the kink of a ReLU, where
    # the two blocks may take the gradient of different sides.
    block = scattered(PairwiseAttention(32, 4, 32, kernel_size=7), torch.float32)
    found = errors(block, obvious_pairwise, torch.randn(2, 32, *shape))
    # The parameters' gradients are sums over all pairs, of terms that cancel.
    sums = [found.pop(name) for name, _ in block.named_parameters()]
    assert max(found.values()) < 1e-5, found
    assert max(sums) < 2e-4


def test_pairwise_attention_is_the_obvious_block_in_float32_at_full_size():
    block = scattered(PairwiseAttention(256, 16, 64, kernel_size=7), torch.float32)
    x = torch.randn(4, 256, 18, 18)
    assert relative_error(block(x), obvious_pairwise(copy.deepcopy(block), x)) < 1e-5


@pytest.mark.parametrize("shape", MAPS)
def test_patchwise_attention_is_the_obvious_block(shape):
    block = scattered(PatchwiseAttention(16, 4, 16, kernel_size=7), torch.float64)
    found = errors(block, obvious_patchwise, torch.randn(3, 16, *shape, dtype=torch.float64))
    assert max(found.values()) < 1e-12, found


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


PAIRS = [Windows(3), CompiledWindows(3), Pixels(3, 4, 5, like=torch.zeros(0).double())]


@pytest.fixture(params=PAIRS, ids=lambda pairs: type(pairs).__name__)
def pairs(request):
    return request.param


def layout(pairs, phi, psi, beta, place, slope, offset):
    return pairs.maps(phi, psi, beta, 2, place, slope, offset)


def draw_maps():
    """Return phi, psi, beta, place, slope and offset of 2 images, 2 channels and 2 * 3 values."""
    pixels = 2, 3, 4
    return [draw(*pixels, 2), draw(*pixels, 2), draw(*pixels, 6), draw(3, 4, 2), draw(4), draw(4)]


@pytest.fixture
def laid_out(pairs, monkeypatch):
    """Return pairs of each kind and their maps, cut into tiles of an image or of its rows."""
    monkeypatch.setattr("sklidh.nn._neighbours.TILE_BYTES", 9 * 4 * 4 * 8 * 2)
    maps = layout(pairs, *draw_maps())
    assert sum(map(len, pairs.tiles(maps[0]))) > 1
    return pairs, [each.detach().requires_grad_() for each in maps]


@pytest.mark.slow
def test_gradients_of_the_layout_are_those_of_finite_differences(pairs):
    assert gradcheck(partial(layout, pairs), draw_maps())


def test_the_layout_is_the_same_compiled_or_not():
    maps = draw_maps()
    found, expected = (layout(windows(3), *maps) for windows in (CompiledWindows, Windows))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("shape", [(5, 4), (2, 3)])
def test_gradients_of_moments_are_those_of_finite_differences(shape):
    assert gradcheck(DifferenceMoments.apply, (draw(2, *shape, 3), draw(2, *shape, 3), 2))


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_attention_are_those_of_finite_differences(laid_out, training):
    pairs, maps = laid_out
    norm = scattered(torch.nn.BatchNorm2d(4), torch.float64).train(training)
    inputs = [*maps, draw(4, 4), draw(4), draw(4), draw(3, 4)]
    assert gradcheck(partial(Attend.apply, pairs, norm, True), inputs, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_loops_are_the_tensors_operations(dtype, monkeypatch):
    block = scattered(PairwiseAttention(16, 4, 16, kernel_size=5), dtype)
    x = torch.randn(3, 16, 8, 7, dtype=dtype)
    found = []
    for windows in (CompiledWindows, Windows):
        monkeypatch.setattr("sklidh.nn._attention.CompiledWindows", windows)
        again, start = copy.deepcopy(block), x.clone().requires_grad_()
        again(start).square().sum().backward()
        found.append([start.grad, *(p.grad for p in again.parameters() if p.grad is not None)])
    tolerance = {"rtol": 1e-12, "atol": 1e-11} if dtype == torch.float64 else {}
    torch.testing.assert_close(*found, **tolerance)


@pytest.mark.parametrize("windows", [CompiledWindows, Windows])
def test_a_pixel_that_is_not_a_number_reaches_all_that_see_it(windows, monkeypatch):
    monkeypatch.setattr("sklidh.nn._attention.CompiledWindows", windows)
    block = PairwiseAttention(8, 4, 8, kernel_size=3).eval()
    x = torch.randn(1, 8, 9, 9)
    x[:, :, 4, 4] = torch.nan
    seen = block(x).isnan().all(1)[0]
    assert seen[3:6, 3:6].all()
    assert seen.sum() == 9


def test_compiled_loops_are_left_where_they_cannot_read():
    kinds = {"dtype": torch.float32}, {"dtype": torch.bfloat16}, {"device": "meta"}
    ways = [type(all_pairs(9, 9, 3, torch.empty(2, **kind))) for kind in kinds]
    assert ways == [CompiledWindows, Windows, Windows]


def test_tiles_change_nothing_but_rounding(monkeypatch):
    block = scattered(PairwiseAttention(16, 4, 16, kernel_size=3), torch.float64)
    x = torch.randn(3, 16, 7, 6, dtype=torch.float64)
    found = []
    for size in (1, 10_000, 10**9):  # a row, some images, everything
        monkeypatch.setattr("sklidh.nn._neighbours.TILE_BYTES", size)
        found.append(copy.deepcopy(block)(x))
    torch.testing.assert_close(found, [found[0]] * 3)


def test_attention_to_a_constant_map_returns_its_values():
    # The weights of a footprint sum to 1, whatever they are.
    block = PairwiseAttention(8, 4, 8, kernel_size=5)
    x = torch.randn(2, 8, 1, 1).expand(2, 8, 6, 7)
    torch.testing.assert_close(block(x), block.beta(x))


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_reflection_goes_to_and_fro_like_a_ball_between_walls(n):
    assert reflected(n, 5).tolist() == [bounce(i, n) for i in range(-5, n + 5)]


def test_reflection_is_torchs_where_torch_defines_it():
    x = torch.randn(2, 3, 6, 5)
    assert torch.equal(reflect_pad(x, 3), F.pad(x, (3, 3, 3, 3), mode="reflect"))


def test_every_footprint_is_counted_whole():
    assert torch.equal(visits(4, 3).sum(1), torch.full((4,), 7.0, dtype=torch.float64))


@pytest.mark.parametrize("attention", [PairwiseAttention, PatchwiseAttention])
def test_a_batch_is_its_images_one_by_one(attention):
    block = scattered(attention(16, 4, 16), torch.float32).eval()
    x = torch.randn(3, 16, 9, 9)
    torch.testing.assert_close(block(x), torch.cat([block(image[None]) for image in x]))


def test_a_whole_network_is_the_obvious_one():
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
        if not name.endswith(("position.bias", "gamma.5.bias")):  # cancel: not computed
            assert (parameter.grad - expected[name].grad).abs().max() < 1e-10 * largest, name
    for ours, theirs in zip(lean.buffers(), obvious.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


def test_what_a_prediction_counted_serves_a_later_training():
    visits.cache_clear()
    with torch.inference_mode():
        assert not visits(5, 1).is_inference()
