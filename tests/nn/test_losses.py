"""The constraints equal their formulas, and are 0 where they must be."""

from math import log
from types import SimpleNamespace

import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from sklidh.nn import _losses

N, H = 7, 3


def by_rows(term):
    """Return a constraint that takes patients as rows."""
    return lambda a, b, share: term(a.mT, b.mT, share)


groups = {
    group: {name: by_rows(term) for name, term in getattr(_losses, group).items()}
    for group in ("SIMILARITIES", "DIFFERENCES", "RECONSTRUCTIONS")
}
EVERY = {name: term for terms in groups.values() for name, term in terms.items()}
losses = SimpleNamespace(**groups, **EVERY, shares=_losses.shares)


@pytest.fixture(autouse=True)
def single_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def vectors():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, N, H, generator=generator, dtype=torch.float64)
    share = losses.shares(torch.rand(N, generator=generator, dtype=torch.float64))
    return a, b, share


@pytest.mark.parametrize("name", losses.SIMILARITIES)
def test_similarity_of_equal_codes_is_zero(vectors, name):
    a, _, share = vectors
    assert losses.SIMILARITIES[name](a, a, share).item() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("name", losses.SIMILARITIES)
def test_similarity_of_different_codes_is_positive(vectors, name):
    assert losses.SIMILARITIES[name](*vectors).item() > 0.01


@pytest.mark.parametrize("name", ["jeffreys", "js", "cmd"])
def test_similarity_does_not_depend_on_the_order_of_the_blocks(vectors, name):
    a, b, share = vectors
    term = losses.SIMILARITIES[name]
    torch.testing.assert_close(term(a, b, share), term(b, a, share))


def test_kl_depends_on_the_order_of_the_blocks(vectors):
    a, b, share = vectors
    assert abs(losses.kl(a, b, share) - losses.kl(b, a, share)) > 0.01


def test_divergences_equal_those_of_scipy(vectors):
    a, b, share = vectors
    p, q = torch.softmax(a, -1).numpy(), torch.softmax(b, -1).numpy()
    kl = (entropy(p, q, axis=1) * share.numpy()).sum()
    js = (jensenshannon(p, q, axis=1) ** 2 * share.numpy()).sum()
    assert losses.kl(a, b, share).item() == pytest.approx(kl)
    assert losses.js(a, b, share).item() == pytest.approx(js)
    there_and_back = losses.kl(a, b, share) + losses.kl(b, a, share)
    torch.testing.assert_close(losses.jeffreys(a, b, share), there_and_back)


def test_jensen_shannon_reaches_log_2_and_stays_finite_for_certain_codes():
    a = torch.tensor([[900.0, -900.0]], dtype=torch.float64)
    share = torch.ones(1, dtype=torch.float64)
    assert losses.js(a, -a, share).item() == pytest.approx(log(2))


def test_cmd_compares_the_moments_of_the_patients_in_any_order(vectors):
    a, _, _ = vectors
    share = torch.full((N,), 1 / N, dtype=torch.float64)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
    assert losses.cmd(a, a[order], share).item() == pytest.approx(0, abs=1e-15)


def test_cmd_is_the_explicit_sum_of_distances_of_moments(vectors):
    a, b, _ = vectors
    share = torch.full((N,), 1 / N, dtype=torch.float64)
    p, q = torch.softmax(a, -1).numpy(), torch.softmax(b, -1).numpy()
    d = _losses.ROUND_DISTANCE
    expected = (((p.mean(0) - q.mean(0)) ** 2).sum() + d**2) ** 0.5 - d
    for order in (2, 3, 4, 5):
        moment_p = ((p - p.mean(0)) ** order).mean(0)
        moment_q = ((q - q.mean(0)) ** order).mean(0)
        expected += (((moment_p - moment_q) ** 2).sum() + d**2) ** 0.5 - d
    assert losses.cmd(a, b, share).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", ["cosine", "dot"])
def test_difference_of_orthogonal_vectors_is_zero(name):
    a = torch.tensor([[1.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    b = torch.tensor([[0.0, 2.0], [-4.0, 3.0]], dtype=torch.float64)
    share = torch.full((2,), 0.5, dtype=torch.float64)
    assert losses.DIFFERENCES[name](a, b, share).item() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("name", ["xcorr", "misa"])
def test_difference_of_codes_uncorrelated_over_the_patients_is_zero(name):
    # Rows of equal length, so that the scaling of MISA's rows keeps the columns orthogonal.
    a = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]], dtype=torch.float64)
    b = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]], dtype=torch.float64)
    share = torch.full((4,), 0.25, dtype=torch.float64)
    assert losses.DIFFERENCES[name](a, b, share).item() == pytest.approx(0, abs=1e-15)


def test_distance_of_equal_vectors_is_zero_but_orthogonal_losses_penalise_them(vectors):
    a, _, share = vectors
    assert losses.distance(a, a, share).item() == pytest.approx(0, abs=1e-15)
    for name in ("xcorr", "cosine", "dot", "misa"):
        assert losses.DIFFERENCES[name](a, a, share).item() > 0.01, name


def test_distance_equals_the_printed_equation_up_to_its_rounding(vectors):
    a, b, share = vectors
    printed = ((a - b).norm(dim=-1) * share).sum()
    short = printed - losses.distance(a, b, share)
    assert 0 < short.item() <= _losses.ROUND_DISTANCE


def test_soft_distance_is_half_the_square_of_short_and_the_length_of_long_vectors(vectors):
    a, b, share = vectors
    lengths = (a - b).norm(dim=-1)
    short = losses.soft_distance(1e-3 * a, 1e-3 * b, share)
    torch.testing.assert_close(short, 1e-6 * (lengths**2 / 2 * share).sum(), rtol=1e-5, atol=0)
    far = losses.soft_distance(1e6 * a, 1e6 * b, share)
    torch.testing.assert_close(far, (1e6 * lengths * share).sum() - 1, rtol=1e-9, atol=0)


def test_cosine_is_the_squared_cosine_of_long_vectors(vectors):
    a, b, share = vectors
    cosines = torch.cosine_similarity(100 * a, 100 * b, dim=-1)
    expected = (cosines.square() * share).sum()
    torch.testing.assert_close(losses.cosine(100 * a, 100 * b, share), expected, rtol=1e-4, atol=0)


def test_xcorr_is_the_mean_squared_correlation(vectors):
    a, b, _ = vectors
    share = torch.full((N,), 1 / N, dtype=torch.float64)
    correlations = torch.corrcoef(torch.cat([a, b], 1).T)[:H, H:]
    expected = correlations.square().mean()
    torch.testing.assert_close(losses.xcorr(100 * a, 7 + 100 * b, share), expected)


def test_misa_is_the_explicit_product_of_scaled_codes(vectors):
    a, b, _ = vectors
    share = torch.full((N,), 1 / N, dtype=torch.float64)
    a, b = 100 * a, 100 * b
    a_c, b_c = a - a.mean(0), b - b.mean(0)
    a_n = a_c / a_c.norm(dim=1, keepdim=True)
    b_n = b_c / b_c.norm(dim=1, keepdim=True)
    expected = (a_n.T @ b_n / N).square().mean()
    torch.testing.assert_close(losses.misa(a, b, share), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", losses.RECONSTRUCTIONS)
def test_perfect_reconstruction_has_zero_loss(vectors, name):
    a, _, share = vectors
    assert losses.RECONSTRUCTIONS[name](a, a, share).item() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"misa"}))
def test_gradient_is_that_of_finite_differences(vectors, name):
    a, b, share = vectors
    a, b = a.requires_grad_(), b.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: EVERY[name](a, b, share), (a, b))


def test_gradient_of_misa_holds_the_row_lengths_constant(vectors):
    a, b, share = vectors
    a.requires_grad_()
    losses.misa(a, b, share).backward()

    def scales(h):
        centred = _losses._centred(h.detach().mT, share).mT
        return (centred.square().sum(-1, keepdim=True) + _losses.ROUND_NORM**2).sqrt()

    fixed_a, fixed_b = scales(a), scales(b)

    def with_fixed_lengths(a):
        left = _losses._centred(a.mT, share).mT / fixed_a * share.unsqueeze(-1)
        right = _losses._centred(b.mT, share).mT / fixed_b
        return (left.T @ right).square().mean()

    again = a.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(with_fixed_lengths, again)
    with_fixed_lengths(again).backward()
    torch.testing.assert_close(a.grad, again.grad)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_gradient_is_finite_where_the_codes_are_equal_or_zero(name):
    a = torch.zeros(N, H, dtype=torch.float64, requires_grad=True)
    share = torch.full((N,), 1 / N, dtype=torch.float64)
    EVERY[name](a, torch.zeros_like(a), share).backward()
    assert torch.isfinite(a.grad).all()


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_weight_of_two_counts_twice_and_a_weight_of_zero_not_at_all(vectors, name):
    a, b, _ = vectors
    weight = torch.tensor([2.0, 1, 1, 0, 1, 1, 0], dtype=torch.float64)
    rows = torch.tensor([0, 0, 1, 2, 4, 5])
    weighted = EVERY[name](a, b, losses.shares(weight))
    repeated = EVERY[name](a[rows], b[rows], torch.full((6,), 1 / 6, dtype=torch.float64))
    torch.testing.assert_close(weighted, repeated)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_stack_equals_its_members_one_by_one(name):
    a, b = torch.randn(2, 2, 3, N, H, generator=torch.Generator().manual_seed(0))
    share = losses.shares(torch.rand(2, 3, N, generator=torch.Generator().manual_seed(1)))
    together = EVERY[name](a, b, share)
    assert together.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            alone = EVERY[name](a[i, j], b[i, j], share[i, j])
            torch.testing.assert_close(together[i, j], alone)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_without_patients_every_loss_is_zero(vectors, name):
    a, b, _ = vectors
    assert EVERY[name](a, b, losses.shares(torch.zeros(N, dtype=torch.float64))).item() == 0


def test_task_is_the_cross_entropy_of_torch():
    logits = torch.randn(2, 4, N, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 2, 3, 0, 1, 2])
    share = torch.full((1, N), 1 / N)
    expected = torch.stack([torch.nn.functional.cross_entropy(member.T, y) for member in logits])
    torch.testing.assert_close(_losses.task(logits, y, share), expected)
