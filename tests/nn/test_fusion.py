"""The fusion network: layers, members, missing blocks and training."""

import math

import pytest
import torch

from sklidh.nn import _losses as losses
from sklidh.nn._fusion import Batch, FusionNet, pad
from sklidh.nn._fusion_training import TERMS, Objective, train
from sklidh.nn._losses import Constraints
from sklidh.nn._threads import OneThread

WIDTHS, N = (3, 5, 2), 20


@pytest.fixture(autouse=True)
def single_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def patients(widths=WIDTHS, n=N, seed=0, n_classes=2):
    generator = torch.Generator().manual_seed(seed)
    blocks = [torch.randn(n, width, generator=generator, dtype=torch.float64) for width in widths]
    y = torch.randint(0, n_classes, (n,), generator=generator)
    return Batch(pad(blocks), y, torch.ones(1, n, dtype=torch.float64))


def fit(net, batch, *, strengths=(0.7, 0.7, 0.7), constraints=None, epochs=5, lr=0.01, **settings):
    strengths = torch.tensor([strengths] * net.head_bias.shape[1], dtype=torch.float64)
    return train(
        net,
        batch.split(settings.pop("size", None)),
        strengths,
        constraints or Constraints(),
        epochs=range(epochs),
        n_epochs=epochs,
        lr=lr,
        **settings,
    )


def member(net, k):
    return [parameter[:, k].detach() for parameter in net.parameters()]


def test_output_equals_the_network_of_the_paper_in_torch_layers():
    net = FusionNet(WIDTHS, 2, [0])
    x = patients().x
    codes = net(x)

    def linear(name, values, block=0):
        weight = getattr(net, f"{name}_weight")[block, 0]
        bias = getattr(net, f"{name}_bias")[block, 0]
        return torch.nn.functional.linear(values, weight, bias[:, 0])

    invariant, specific = [], []
    for block in range(len(WIDTHS)):
        u = torch.nn.functional.layer_norm(linear("projection", x[block].T, block), (8,))
        torch.testing.assert_close(codes.projected[block, 0].T, u)
        invariant.append(linear("invariant", u))  # shared by the blocks
        specific.append(linear("specific", u, block))
        decoded = linear("decoder", torch.cat([invariant[-1], specific[-1]], 1), block)
        torch.testing.assert_close(codes.decoded[block, 0].T, decoded)
    logits = linear("head", torch.cat(invariant + specific, 1))
    torch.testing.assert_close(codes.logits[0].T, logits)


def test_sizes_are_those_of_the_paper():
    net = FusionNet([11, 12], 2, [0])
    shapes = {name: tuple(value[:, 0].shape) for name, value in net.named_parameters()}
    assert shapes["invariant_weight"] == (1, 2, 8)
    assert shapes["specific_weight"] == (2, 2, 8)
    assert shapes["decoder_weight"] == (2, 8, 4)
    assert shapes["head_weight"] == (1, 2, 8)


def test_initial_weights_are_in_the_bounds_of_torch_linear_and_zero_padded():
    net = FusionNet(WIDTHS, 2, [0])
    for block, width in enumerate(WIDTHS):
        weight = net.projection_weight[block, 0]
        assert weight[:, :width].abs().max() <= 1 / math.sqrt(width)
        assert weight[:, :width].abs().min() > 0
        assert (weight[:, width:] == 0).all()


@pytest.mark.parametrize("target", ["projected", "input"])
def test_zero_padding_of_a_narrow_block_has_no_effect(target):
    narrow, wide = (FusionNet(WIDTHS, 2, [0], target=target) for _ in range(2))
    batch = patients()
    for name in ("projection_weight", "decoder_weight", "decoder_bias"):
        value = getattr(wide, name).data
        if name == "projection_weight":
            value = torch.nn.functional.pad(value, (0, 4))
        elif target == "input":
            value = torch.nn.functional.pad(value, (0, 0, 0, 4))
        setattr(wide, name, torch.nn.Parameter(value))
    padded = batch._replace(x=torch.nn.functional.pad(batch.x, (0, 0, 0, 4)))
    constraints = Constraints(reconstruction="norm")
    fit(narrow, batch, constraints=constraints)
    fit(wide, padded, constraints=constraints)
    torch.testing.assert_close(wide(padded.x).logits, narrow(batch.x).logits)


def test_seed_sets_the_initial_weights_and_leaves_torch_s_generator_unchanged():
    state = torch.get_rng_state()
    first, again, other = (FusionNet(WIDTHS, 2, [seed]) for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(map(torch.equal, first.parameters(), again.parameters()))
    assert not torch.equal(first.head_weight, other.head_weight)


def test_batched_members_equal_separately_trained_members():
    strengths = torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.0, 0.5]]).double()
    batch = patients()._replace(weight=torch.rand(2, N, dtype=torch.float64))
    together = FusionNet(WIDTHS, 2, [3, 4])
    settings = {"epochs": range(3), "n_epochs": 3, "lr": 0.01}
    history = train(together, batch.split(10), strengths, Constraints(), **settings)
    for k, seed in enumerate([3, 4]):
        alone = FusionNet(WIDTHS, 2, [seed])
        mine = batch._replace(weight=batch.weight[k : k + 1]).split(10)
        own = train(alone, mine, strengths[k : k + 1], Constraints(), **settings)
        exact = {"rtol": 1e-9, "atol": 1e-12}
        torch.testing.assert_close(history["total"][:, k], own["total"][:, 0], **exact)
        for a, b in zip(member(together, k), member(alone, 0), strict=True):
            torch.testing.assert_close(a, b, **exact)
        for a, b in zip(
            together.members(slice(k, k + 1)).parameters(), alone.parameters(), strict=True
        ):
            torch.testing.assert_close(a, b, **exact)


def test_the_order_of_the_patients_does_not_matter_in_full_batch():
    batch, order = patients(), torch.randperm(N, generator=torch.Generator().manual_seed(0))
    shuffled = Batch(batch.x[..., order], batch.y[order], batch.weight)
    net, again = FusionNet(WIDTHS, 2, [0]), FusionNet(WIDTHS, 2, [0])
    fit(net, batch, epochs=50)
    fit(again, shuffled, epochs=50)
    torch.testing.assert_close(net(batch.x).logits, again(batch.x).logits, rtol=1e-9, atol=1e-9)


def test_terms_are_zero_for_equal_blocks_with_equal_encoders_and_a_perfect_decoder():
    net = FusionNet((4, 4), 2, [0], projection_dim=2, hidden_dim=2)
    with torch.no_grad():
        for name in ("projection", "specific", "decoder"):
            for kind in ("weight", "bias"):
                value = getattr(net, f"{name}_{kind}")
                value[1] = value[0]
        # Both codes are u itself; the decoder reads u off the first.
        net.invariant_weight[:] = net.specific_weight[:] = torch.eye(2)
        net.invariant_bias[:] = net.specific_bias[:] = 0
        net.decoder_weight[:] = torch.cat([torch.eye(2), torch.zeros(2, 2)], 1)
        net.decoder_bias[:] = 0
    x = patients((4,)).x.expand(2, -1, -1)
    batch = Batch(x, patients().y, patients().weight)
    task, similarity, difference, reconstruction = Objective(net, batch, Constraints())()[:, 0]
    assert task > 0
    for term in (similarity, difference, reconstruction):
        assert term.item() == pytest.approx(0, abs=1e-15)


def test_terms_sum_over_the_pairs_that_the_paper_names():
    net, batch = FusionNet((3, 5), 2, [0]), patients((3, 5))
    terms = dict(zip(TERMS, Objective(net, batch, Constraints())()[:, 0], strict=True))
    made = net(batch.x)
    share = torch.full((N,), 1 / N, dtype=torch.float64)
    (i1, i2), (s1, s2) = made.invariant[:, 0], made.specific[:, 0]
    torch.testing.assert_close(terms["similarity"], losses.kl(i1, i2, share))
    eq4 = sum(losses.soft_distance(a, b, share) for a, b in ((i1, s1), (i2, s2), (s1, s2)))
    torch.testing.assert_close(terms["difference"], eq4)
    pairs = ((made.decoded[m, 0], made.projected[m, 0]) for m in range(2))
    eq5 = sum(losses.soft_distance(a, b, share) for a, b in pairs)
    torch.testing.assert_close(terms["reconstruction"], eq5)


def test_one_block_has_no_similarity_and_still_trains():
    net, batch = FusionNet((4,), 2, [0]), patients((4,))
    history = fit(net, batch, epochs=50)
    assert (history["similarity"] == 0).all()
    assert history["total"][-1] < history["total"][0]


@pytest.mark.parametrize("n_classes", [2, 5])
def test_training_lowers_the_loss_for_any_number_of_classes(n_classes):
    net = FusionNet(WIDTHS, n_classes, [0])
    history = fit(net, patients(n_classes=n_classes), epochs=100)
    assert history["total"][-1] < 0.6 * history["total"][0]


def test_mean_squared_error_of_the_input_is_over_the_columns_of_the_block():
    net, batch = FusionNet((3, 5), 2, [0], target="input"), patients((3, 5))
    constraints = Constraints(reconstruction="mse")
    term = Objective(net, batch, constraints)()[TERMS.index("reconstruction"), 0]
    decoded = net(batch.x).decoded[:, 0]
    expected = sum(
        (decoded[m, :width] - batch.x[m, :width]).square().mean() for m, width in enumerate((3, 5))
    )
    torch.testing.assert_close(term, expected)


def masked(present):
    batch = patients()
    x = torch.where(present[:, None], batch.x, torch.zeros_like(batch.x))
    return batch._replace(x=x, present=present)


def test_a_mask_without_missing_blocks_has_no_effect():
    net = FusionNet(WIDTHS, 2, [0])
    batch = patients()
    whole = batch._replace(present=torch.ones(len(WIDTHS), N, dtype=torch.bool))
    for difference in losses.DIFFERENCES:
        constraints = Constraints(difference=difference)
        torch.testing.assert_close(
            Objective(net, whole, constraints)(), Objective(net, batch, constraints)()
        )


@pytest.mark.parametrize("difference", losses.DIFFERENCES)
@pytest.mark.parametrize("similarity", losses.SIMILARITIES)
def test_values_of_a_missing_block_do_not_enter_the_constraints(similarity, difference):
    present = torch.ones(len(WIDTHS), N, dtype=torch.bool)
    present[1, :5] = False
    net, batch = FusionNet(WIDTHS, 2, [0]), masked(present)
    x = batch.x.clone()
    x[1, :, :5] = 1000.0
    constraints = Constraints(similarity, difference)
    terms = Objective(net, batch, constraints)()
    other = Objective(net, batch._replace(x=x), constraints)()
    torch.testing.assert_close(other[1:], terms[1:])


def test_constraints_use_only_the_patients_who_have_the_blocks():
    present = torch.ones(len(WIDTHS), N, dtype=torch.bool)
    present[1, :5] = False
    net, batch = FusionNet(WIDTHS, 2, [0]), masked(present)
    terms = dict(zip(TERMS, Objective(net, batch, Constraints())()[:, 0], strict=True))
    invariant = net(batch.x).invariant[:, 0]

    def kl(m, other, rows):
        n = invariant[m, :, rows].shape[1]
        share = torch.full((n,), 1 / n, dtype=torch.float64)
        return losses.kl(invariant[m, :, rows], invariant[other, :, rows], share)

    everybody, with_block_1 = slice(None), slice(5, None)
    expected = kl(0, 1, with_block_1) + kl(0, 2, everybody) + kl(1, 2, with_block_1)
    torch.testing.assert_close(terms["similarity"], expected)


def test_head_reads_the_mean_of_the_available_invariant_codes():
    present = torch.ones(len(WIDTHS), N, dtype=torch.bool)
    present[1, :5] = False
    net, batch = FusionNet(WIDTHS, 2, [0]), masked(present)
    made = net(batch.x, present)
    codes = net.head_input(made.invariant, made.specific, present)[0]
    average = (made.invariant[0, 0, :, :5] + made.invariant[2, 0, :, :5]) / 2
    torch.testing.assert_close(codes[2:4, :5], average)
    torch.testing.assert_close(codes[2:4, 5:], made.invariant[1, 0, :, 5:])


def test_validation_keeps_each_member_at_its_best_epoch():
    training, held_out = patients(n=12), patients(seed=5, n=40)
    net = FusionNet(WIDTHS, 2, [0, 1])
    history = fit(net, training, epochs=80, lr=0.05, schedule="constant", validation=held_out)
    reached = Objective(net, held_out, Constraints())()[0]
    torch.testing.assert_close(reached, history["validation"].amin(0))
    assert (history["validation"][-1] > reached).all()  # the last epoch was over-trained


def test_a_diverging_loss_raises_with_epoch_and_learning_rate():
    with pytest.raises(FloatingPointError, match=r"epoch \d+ at lr=1e\+300"):
        fit(FusionNet(WIDTHS, 2, [0]), patients(), lr=1e300)


def test_a_loss_that_diverges_in_the_last_step_is_detected():
    with pytest.raises(FloatingPointError, match="epoch 0"):
        fit(FusionNet(WIDTHS, 2, [0]), patients(), lr=1e300, epochs=1)


def test_batches_are_cut_in_the_order_of_the_patients():
    batch = patients()
    pieces = batch.split(8)
    assert [len(piece.y) for piece in pieces] == [8, 8, 4]
    assert torch.equal(torch.cat([piece.x for piece in pieces], -1), batch.x)


def test_one_thread_restores_the_number_of_threads_even_after_an_error():
    torch.set_num_threads(2)
    with OneThread(), pytest.raises(KeyError):
        fail_inside_another()
    assert torch.get_num_threads() == 2


def fail_inside_another():
    with OneThread():
        assert torch.get_num_threads() == 1
        raise KeyError
