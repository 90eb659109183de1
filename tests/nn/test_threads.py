"""Several threads give what one gives, to the last bit, and leave nothing behind."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest
import torch
from torch import nn

from sklidh.nn._native_layout import Layout
from sklidh.nn._native_windows import CompiledWindows
from sklidh.nn._neighbours import Windows, reflected
from sklidh.nn._normalised import rectified_halves, rectified_linear
from sklidh.nn._pairwise import Attend
from sklidh.nn._product import product
from sklidh.nn._threads import OneThread, scratch, spread

SOURCE = torch.Generator()


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def gradients(out, inputs):
    return [out, *torch.autograd.grad(out.square().sum(), inputs)]


def draw(*shape):
    return torch.randn(*shape, generator=SOURCE).requires_grad_()


def attention():
    """Return attention over the maps of three images, a tile a few rows, and all gradients."""
    maps = draw(3, 9, 9, 6), draw(3, 11, 11, 6), draw(2, 3, 11, 11, 4)
    inputs = *maps, draw(8, 6), draw(8), draw(8), draw(4, 8)
    return gradients(Attend.apply(CompiledWindows(3), nn.BatchNorm2d(8), True, *inputs), inputs)


def layout():
    """Return the maps that attention works on, and all gradients."""
    maps = draw(3, 9, 9, 6), draw(3, 9, 9, 6), draw(3, 9, 9, 8)
    inputs = *maps, draw(9, 9, 2), draw(8), draw(8)
    out = Layout.apply(*inputs, reflected(9, 1), reflected(9, 1), 2)
    return gradients(torch.cat([each.flatten() for each in out]), inputs)


def normalised_product():
    """Return the product of a normalised map of several parts, and all gradients."""
    inputs = draw(3, 8, 9, 9), draw(5, 8), draw(5), draw(3, 5, 9, 9)
    return gradients(rectified_linear(nn.BatchNorm2d(8), *inputs)[0], inputs)


def plain_product():
    """Return the product of a map of several parts, and all gradients."""
    inputs = draw(3, 9, 9, 8), draw(5, 8)
    return gradients(product(*inputs), inputs)


def halves():
    """Return a map of half the size, and all gradients."""
    x = draw(3, 8, 9, 9)
    return gradients(rectified_halves(nn.BatchNorm2d(8), x), [x])


@pytest.mark.parametrize("work", [attention, layout, normalised_product, plain_product, halves])
def test_the_number_of_threads_changes_no_bit(work, monkeypatch):
    monkeypatch.setattr("sklidh.nn._neighbours.TILE_BYTES", 9 * 2 * 9 * 6 * 4)
    monkeypatch.setattr("sklidh.nn._tiles.ELEMENTS", 8 * 50)
    monkeypatch.setattr("sklidh.nn._tiles.ROWS", 1)
    before, found = torch.get_num_threads(), []
    for n in (1, 2, 3):
        SOURCE.manual_seed(0)
        torch.set_num_threads(n)
        found.append(work())
    torch.set_num_threads(before)
    for other in found[1:]:
        assert all(map(torch.equal, other, found[0]))


def test_parts_are_worked_on_side_by_side(threads):
    met = threading.Barrier(threads, timeout=20)
    spread(lambda _: met.wait(), range(threads))


def test_those_inside_one_thread_are_helped_by_all_that_torch_had(threads):
    met = threading.Barrier(threads, timeout=20)
    n_threads = threading.active_count()
    with OneThread():
        spread(lambda _: met.wait(), range(threads))
        assert threading.active_count() == n_threads + threads - 1
    assert threading.active_count() == n_threads


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="this system lists no threads")
def test_torch_starts_no_threads_of_its_own_in_an_assistant():
    square = torch.ones(400, 400)
    torch.set_num_threads(2)
    met = threading.Barrier(2, timeout=20)

    def multiply(_):
        met.wait()
        square @ square
        met.wait()

    with OneThread():
        spread(lambda _: met.wait(), range(2))
        n_threads = len(os.listdir("/proc/self/task"))
        spread(multiply, range(2))
        assert len(os.listdir("/proc/self/task")) == n_threads


def test_nothing_to_do_is_done(threads):
    assert spread(len, []) == []


def test_results_come_in_the_order_of_their_parts(threads):
    assert spread(lambda a, b: (a, b), range(5), "abcde") == list(enumerate("abcde"))
    assert torch.get_num_threads() == threads


def test_an_error_in_a_part_arrives_and_the_threads_are_given_back(threads):
    with pytest.raises(ZeroDivisionError):
        spread(lambda n: 1 / n, [1, 0, 2])
    assert torch.get_num_threads() == threads


def test_after_an_error_no_further_part_is_begun(threads):
    begun = []

    def part(i):
        begun.append(i)
        time.sleep(0.001)
        if i == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spread(part, range(500))
    assert len(begun) < 250


def test_an_interrupt_while_assistants_work_leaves_nothing_behind(threads, monkeypatch):
    met, left = threading.Barrier(threads, timeout=20), threading.Event()
    caller, n_threads = threading.get_ident(), threading.active_count()

    def part(i):
        met.wait()
        if threading.get_ident() != caller:
            assert left.wait(20)
            spread(len, "ab")  # asks for no lock that the caller may hold

    def interrupted(_):
        left.set()
        raise KeyboardInterrupt

    monkeypatch.setattr("sklidh.nn._threads.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        spread(part, range(threads))
    monkeypatch.undo()
    assert torch.get_num_threads() == threads
    assert threading.active_count() == n_threads
    assert spread(len, ["a", "bc"]) == [1, 2]


def test_parts_may_be_spread_themselves_and_torch_keeps_to_one_thread(threads):
    met = threading.Barrier(threads, timeout=20)

    def part(i):
        met.wait()
        inner = spread(lambda j: (i, j), range(3))
        met.wait()
        return inner, torch.get_num_threads()

    wanted = [([(i, j) for j in range(3)], 1) for i in range(threads)]
    assert spread(part, range(threads)) == wanted


def test_many_may_spread_at_once_and_all_get_their_threads_back(threads):
    def fit(seed):
        torch.set_num_threads(threads)
        with OneThread():
            found = [spread(lambda j: seed * j, range(5)) for _ in range(50)]
        return found, torch.get_num_threads()

    n_threads = threading.active_count()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(fit, range(8)))
    assert found == [([[seed * j for j in range(5)]] * 50, threads) for seed in range(8)]
    assert threading.active_count() == n_threads


def test_each_gets_back_the_number_that_was_its_own(threads):
    begun, ended = threading.Event(), threading.Event()

    def other():
        torch.set_num_threads(threads)
        with OneThread():
            begun.set()
            assert ended.wait(20)
        return torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(other)
        assert begun.wait(20)
        torch.set_num_threads(4)
        spread(len, "ab")
        ended.set()
        assert found.result() == threads
    assert torch.get_num_threads() == 4


def test_who_is_new_to_torch_gets_what_those_inside_had(threads):
    def new():
        with OneThread():
            pass
        return torch.get_num_threads()

    with OneThread(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(new).result() == threads


def test_scratch_memory_is_given_back(threads):
    with OneThread():
        spread(lambda n: scratch("part", torch.empty(0), n), range(9), alone=True)
        assert scratch._held
    assert not scratch._held


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_forked_inside_has_no_assistants_and_works(threads):
    with OneThread():
        spread(len, "abc")
        process = get_context("fork").Process(target=spread, args=(len, "abc"))
        process.start()
        process.join(20)
    assert process.exitcode == 0


def test_what_is_not_on_the_cpu_is_left_to_the_caller():
    seen = set()

    class Seen(Windows):
        def differences(self, *args):
            seen.add(threading.get_ident())
            return super().differences(*args)

    maps = (3, 9, 9, 6), (3, 11, 11, 6), (2, 3, 11, 11, 4)
    inputs = [torch.empty(*shape, device="meta") for shape in (*maps, (8, 6), (8,), (8,), (4, 8))]
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    Attend.apply(Seen(3), nn.BatchNorm2d(8, device="meta"), False, *inputs)
    torch.set_num_threads(before)
    assert seen == {threading.get_ident()}


def test_under_autocast_a_product_has_half_precision():
    x, weight = torch.ones(3, 9, 9, 8), torch.ones(5, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert product(x, weight).dtype == torch.bfloat16


def test_a_prediction_stays_one_in_every_thread(threads):
    weight = torch.ones(3, requires_grad=True)
    with torch.inference_mode():
        out = torch.zeros(4, 3)
        spread(lambda row: out[row].add_(weight), range(4))  # refused outside of the mode
    assert torch.equal(out, torch.ones(4, 3))
