"""Results are bit-identical for any number of threads, without side effects."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest
import torch

from sklidh.nn import PairwiseAttention
from sklidh.nn._layers import RowProduct
from sklidh.nn._threads import OneThread, cut, parallel_map, scratch

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
    """Return attention to three images, in tiles of a few rows, and all gradients."""
    x, block = draw(3, 16, 9, 9), PairwiseAttention(16, 4, 16, kernel_size=3)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, generator=SOURCE)
    return gradients(block(x), [x, *block.parameters()])


def product():
    """Return the product of many rows, and all gradients."""
    inputs = draw(500, 8), draw(5, 8), draw(5)
    return gradients(RowProduct.apply(*inputs), inputs)


@pytest.mark.parametrize("work", [attention, product])
def test_results_are_bit_identical_for_any_number_of_threads(work, monkeypatch):
    monkeypatch.setattr("sklidh.nn._pairs.TILE_BYTES", 9 * 2 * 9 * 6 * 4)
    monkeypatch.setattr("sklidh.nn._threads.LEAST", 1)
    before, found = torch.get_num_threads(), []
    for n in (1, 2, 3):
        SOURCE.manual_seed(0)
        torch.set_num_threads(n)
        with OneThread():
            found.append(work())
    torch.set_num_threads(before)
    for other in found[1:]:
        assert all(map(torch.equal, other, found[0]))


def test_parts_run_in_parallel(threads):
    met = threading.Barrier(threads, timeout=20)
    parallel_map(lambda _: met.wait(), range(threads))


def test_parallel_map_uses_all_of_torch_s_threads_inside_one_thread(threads):
    met = threading.Barrier(threads, timeout=20)
    n_threads = threading.active_count()
    with OneThread():
        parallel_map(lambda _: met.wait(), range(threads))
        assert threading.active_count() == n_threads + threads - 1
    assert threading.active_count() == n_threads


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="this system lists no threads")
def test_torch_starts_no_threads_in_an_assistant():
    square = torch.ones(400, 400)
    torch.set_num_threads(2)
    met = threading.Barrier(2, timeout=20)

    def multiply(_):
        met.wait()
        square @ square
        met.wait()

    with OneThread():
        parallel_map(lambda _: met.wait(), range(2))
        n_threads = len(os.listdir("/proc/self/task"))
        parallel_map(multiply, range(2))
        assert len(os.listdir("/proc/self/task")) == n_threads


def test_no_parts_give_an_empty_result(threads):
    assert parallel_map(len, []) == []


def test_results_are_in_the_order_of_the_parts(threads):
    assert parallel_map(lambda a, b: (a, b), range(5), "abcde") == list(enumerate("abcde"))
    assert torch.get_num_threads() == threads


def test_an_error_in_a_part_is_raised_and_threads_are_restored(threads):
    with pytest.raises(ZeroDivisionError):
        parallel_map(lambda n: 1 / n, [1, 0, 2])
    assert torch.get_num_threads() == threads


def test_after_an_error_no_further_part_is_started(threads):
    begun = []

    def part(i):
        begun.append(i)
        time.sleep(0.001)
        if i == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parallel_map(part, range(500))
    assert len(begun) < 250


def test_an_interrupt_while_assistants_work_leaves_nothing_behind(threads, monkeypatch):
    met, left = threading.Barrier(threads, timeout=20), threading.Event()
    caller, n_threads = threading.get_ident(), threading.active_count()

    def part(i):
        met.wait()
        if threading.get_ident() != caller:
            assert left.wait(20)
            parallel_map(len, "ab")  # must not wait for a lock that the caller holds

    def interrupted(_):
        left.set()
        raise KeyboardInterrupt

    monkeypatch.setattr("sklidh.nn._threads.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parallel_map(part, range(threads))
    monkeypatch.undo()
    assert torch.get_num_threads() == threads
    assert threading.active_count() == n_threads
    assert parallel_map(len, ["a", "bc"]) == [1, 2]


def test_calls_may_be_nested_and_torch_keeps_to_one_thread(threads):
    met = threading.Barrier(threads, timeout=20)

    def part(i):
        met.wait()
        inner = parallel_map(lambda j: (i, j), range(3))
        met.wait()
        return inner, torch.get_num_threads()

    wanted = [([(i, j) for j in range(3)], 1) for i in range(threads)]
    assert parallel_map(part, range(threads)) == wanted


def test_concurrent_calls_all_restore_their_threads(threads):
    def fit(seed):
        torch.set_num_threads(threads)
        with OneThread():
            found = [parallel_map(lambda j: seed * j, range(5)) for _ in range(50)]
        return found, torch.get_num_threads()

    n_threads = threading.active_count()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(fit, range(8)))
    assert found == [([[seed * j for j in range(5)]] * 50, threads) for seed in range(8)]
    assert threading.active_count() == n_threads


def test_each_thread_restores_its_own_number(threads):
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
        parallel_map(len, "ab")
        ended.set()
        assert found.result() == threads
    assert torch.get_num_threads() == 4


def test_a_new_thread_gets_the_number_from_before_the_block(threads):
    def new():
        with OneThread():
            pass
        return torch.get_num_threads()

    with OneThread(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(new).result() == threads


def test_scratch_memory_is_released(threads):
    with OneThread():
        parallel_map(lambda n: scratch("part", torch.empty(0), n), range(99))
        scratch("part", torch.empty(0), 9)
        assert scratch._held
    assert not scratch._held


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_forked_inside_has_no_assistants_and_works(threads):
    with OneThread():
        parallel_map(len, "abc")
        process = get_context("fork").Process(target=parallel_map, args=(len, "abc"))
        process.start()
        process.join(20)
    assert process.exitcode == 0


def test_inference_mode_applies_in_every_thread(threads):
    weight = torch.ones(3, requires_grad=True)
    with torch.inference_mode():
        out = torch.zeros(4, 3)
        parallel_map(lambda row: out[row].add_(weight), range(4))  # refused outside of the mode
    assert torch.equal(out, torch.ones(4, 3))


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_slices_cover_everything_once_in_equal_parts(n):
    slices = cut(n, 2**18)
    assert [i for part in slices for i in range(n)[part]] == list(range(n))
    sizes = [part.stop - part.start for part in slices]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= 8


def test_more_work_is_split_into_more_parts_and_little_work_is_not_split():
    counts = [len(cut(n, 2**16)) for n in (1, 16, 64, 256, 1024)]
    assert counts == [1, 1, 4, 16, 32]
    assert len(cut(1000, 2**16, at_least=500)) == 2
