"""Threads that share the computation of a network, and memory that each thread reuses."""

import math
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise

import torch


class Scratch(threading.local):
    """Temporary memory per thread, reused for the next part while it is still in the cache."""

    def __init__(self):
        self._held = {}

    def __call__(self, name, like, *shape):
        """Return an uninitialised tensor; the next call with the same name reuses its memory.

        Parameters
        ----------
        name : str
        like : Tensor
            Tensor with the required dtype and device.
        *shape : int
        """
        size, key = math.prod(shape), (name, like.dtype, like.device)
        if key not in self._held or len(self._held[key]) < size:
            with torch.inference_mode(False):  # training may follow a prediction
                self._held[key] = like.new_empty(size)
        return self._held[key][:size].view(shape)

    def clear(self):
        """Release the memory of this thread."""
        self._held.clear()


PARTS = 16
"""Desired number of parts; up to this number of cores, each has work."""

LEAST = 2**20
"""Minimum size of a part in bytes; smaller parts cost more than they gain."""

MOST = 2**21
"""Maximum size of a part in bytes."""


def cut(n, size, *, at_least=1, at_most=MOST, parts=PARTS):
    """Split range(n) into slices whose lengths differ by at most one.

    The slices do not depend on the number of threads, because the rounding of a sum depends on
    them.

    Parameters
    ----------
    n : int
    size : int
        Size of one element in bytes.
    at_least : int, default=1
        Minimum number of elements in a slice.
    at_most : int
        Maximum size of a slice in bytes, unless it has a single element.
    parts : int
        Desired number of slices; there are more if they would exceed `at_most`, and fewer if they
        would be smaller than `LEAST`.

    Returns
    -------
    list of slice
    """
    wanted = min(max(n * size / parts, LEAST), at_most)
    count = max(1, min(math.ceil(n * size / wanted), n // at_least))
    edges = [n * i // count for i in range(count + 1)]
    return [slice(*ends) for ends in pairwise(edges)]


def total(tensors):
    """Sum tensors in their order."""
    first, *others = tensors
    return sum(others, start=first)


scratch = Scratch()
"""Temporary memory, kept until the outermost `OneThread` block of the thread ends."""


class ThreadState(threading.local):
    """State of each thread.

    Attributes
    ----------
    is_inside : bool
        Whether the thread is inside a `OneThread` block.
    number : int
        Number of threads that torch used for this thread before; the setting is per thread.
    """

    is_inside, number = False, 1


class OneThread:
    """Inside the block, torch's own operations use one thread and `parallel_map` uses all threads.

    Torch's threads would mostly wait for each other; after each operation they spin for a moment
    and block a core. The rounding of a sum also depends on the number of threads. Any number of
    threads may enter, and blocks may be nested. The last thread to leave shuts down the assistants
    of `parallel_map`, so that none exist when the process forks.
    """

    lock, inside, number, assistants, own = threading.Lock(), 0, 1, [], ThreadState()

    def __enter__(self):
        own = OneThread.own
        self.is_outermost = not own.is_inside
        if self.is_outermost:
            with OneThread.lock:
                own.number = torch.get_num_threads()
                if own.number == 1 and OneThread.inside:
                    # A thread that has not used torch before inherits the 1 set by other threads.
                    own.number = OneThread.number
                OneThread.number = own.number
                OneThread.inside += 1
                torch.set_num_threads(1)
            own.is_inside = True

    def __exit__(self, *_):
        if self.is_outermost:
            OneThread.own.is_inside = False
            scratch.clear()
            with OneThread.lock:
                OneThread.inside -= 1
                try:
                    while OneThread.assistants and not OneThread.inside:
                        OneThread.assistants.pop().shutdown()
                finally:
                    # Restored last: new threads would otherwise inherit the 1 of an assistant.
                    torch.set_num_threads(OneThread.own.number)

    @classmethod
    def assist(cls, work, n):
        """Start `work` in n assistant threads, at most as many as torch had besides the caller.

        Each assistant has its own queue: of several threads that wait at one queue, only one would
        be woken for tasks submitted at once. Assistants have no assistants of their own, so they
        never wait for the lock that is held during shutdown.

        Returns
        -------
        list of Future
        """
        n = min(n, cls.own.number - 1)
        if n < 1:
            return []
        with cls.lock:
            while len(cls.assistants) < n:
                cls.assistants.append(ThreadPoolExecutor(1, initializer=cls._begin_to_assist))
            return [assistant.submit(work) for assistant in cls.assistants[:n]]

    @classmethod
    def _begin_to_assist(cls):
        cls.own.is_inside = True
        torch.set_num_threads(1)


def parallel_map(function, *parts):
    """Call a function for each part, on as many threads as torch may use.

    Each part is processed by one thread, so the results are bit-identical for any number of threads
    if they are combined in order. After an error, no further part is started.

    Parameters
    ----------
    function : callable
        Function of one element of each of `parts`; no gradients are recorded.
    *parts : sequence
        Arguments of the function, of equal length.

    Returns
    -------
    list
    """
    remaining = deque(enumerate(zip(*parts, strict=True)))
    results = [None] * len(remaining)
    is_inference = torch.is_inference_mode_enabled()  # the mode is per thread

    def work():
        with torch.inference_mode(is_inference), torch.no_grad():
            try:
                for i, part in _take_all(remaining):
                    results[i] = function(*part)
            finally:
                remaining.clear()

    with OneThread():
        assistants = OneThread.assist(work, len(remaining) - 1)
        try:
            work()
        finally:
            started = [each for each in assistants if not each.cancel()]
            wait(started)
    for each in started:
        each.result()
    return results


def _take_all(remaining):
    """Take items from a deque shared with other threads until it is empty."""
    while True:
        try:
            yield remaining.popleft()
        except IndexError:
            return
