"""Threads that share the work on a network, its parts, and the memory that each thread reuses."""

import math
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise

import torch


class Scratch(threading.local):
    """Memory needed for a moment: a thread's next part takes the same, still in the cache."""

    def __init__(self):
        self._held = {}

    def __call__(self, name, like, *shape):
        """Return a tensor of any content, gone with the next of its name.

        Parameters
        ----------
        name : str
        like : Tensor
            Gives dtype and device.
        *shape : int
        """
        size, key = math.prod(shape), (name, like.dtype, like.device)
        if key not in self._held or len(self._held[key]) < size:
            with torch.inference_mode(False):  # training may follow a prediction
                self._held[key] = like.new_empty(size)
        return self._held[key][:size].view(shape)

    def clear(self):
        """Give back what this thread holds."""
        self._held.clear()


PARTS = 16
"""Number of parts wanted: with at least one per core, every core has work."""

LEAST = 2**20
"""Minimum size of a part in bytes: dividing the work further would cost more than it gains."""

MOST = 2**21
"""Maximum size of a part in bytes."""


def cut(n, size, *, at_least=1, at_most=MOST, parts=PARTS):
    """Cut range(n) into slices of equal length, up to one.

    The cut does not depend on the number of threads, since the bits of a sum depend on the cut.

    Parameters
    ----------
    n : int
    size : int
        Bytes of one element.
    at_least : int, default=1
        Minimum number of elements in a slice.
    at_most : int
        Maximum number of bytes in a slice, if more than one element.
    parts : int
        Number of slices wanted; there are more where they would exceed `at_most`, and fewer where
        they would be smaller than `LEAST`.

    Returns
    -------
    list of slice
    """
    wanted = min(max(n * size / parts, LEAST), at_most)
    count = max(1, min(math.ceil(n * size / wanted), n // at_least))
    edges = [n * i // count for i in range(count + 1)]
    return [slice(*ends) for ends in pairwise(edges)]


def total(tensors):
    """Return the sum of tensors in their order."""
    first, *others = tensors
    return sum(others, start=first)


scratch = Scratch()
"""Held while somebody is inside `OneThread`."""


class Own(threading.local):
    """What each thread knows for itself.

    Attributes
    ----------
    is_inside : bool
        Whether it is inside `OneThread`.
    number : int
        How many threads torch used for it before: that number is a thread's own affair.
    """

    is_inside, number = False, 1


class OneThread:
    """Let torch's own operations use one thread inside the block, and `parallel_map` all of them.

    Torch's threads would only wait for each other there, and for a moment after each operation
    they wait by counting, which takes a core from whoever works. The bits of a sum depend on how
    many share it, too. Any number of threads may be inside, each as often as it likes. The last
    one out ends the assistants of `parallel_map`: there are none when the process forks.
    """

    lock, inside, number, assistants, own = threading.Lock(), 0, 1, [], Own()

    def __enter__(self):
        own = OneThread.own
        self.is_outermost = not own.is_inside
        if self.is_outermost:
            with OneThread.lock:
                own.number = torch.get_num_threads()
                if own.number == 1 and OneThread.inside:
                    # A thread that is new to torch begins with the 1 of those inside.
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
                    # Last, for an assistant's 1 would be what new threads begin with.
                    torch.set_num_threads(OneThread.own.number)

    @classmethod
    def assist(cls, work, n):
        """Start `work` in n threads, or in as many as torch had beside the caller's.

        Each assistant has a queue of its own: of several threads that wait at one queue, one is
        woken for all that is put there at once. An assistant has no assistants, and so never waits
        for the lock, which the last one out holds until it ends.

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
    """Call a function with each part, on as many threads as torch may use.

    Each part is worked on by one thread. So the number of threads changes no bit, if the results
    are put together in their order. After an error no further part is begun.

    Parameters
    ----------
    function : callable
        No gradients are recorded.
    *parts : sequence
        All of one length: the function's arguments.

    Returns
    -------
    list
    """
    left = deque(enumerate(zip(*parts, strict=True)))
    results = [None] * len(left)
    is_inference = torch.is_inference_mode_enabled()  # each thread has a mode of its own

    def work():
        with torch.inference_mode(is_inference), torch.no_grad():
            try:
                for i, part in _taken(left):
                    results[i] = function(*part)
            finally:
                left.clear()

    with OneThread():
        assistants = OneThread.assist(work, len(left) - 1)
        try:
            work()
        finally:
            begun = [each for each in assistants if not each.cancel()]
            wait(begun)
    for each in begun:
        each.result()
    return results


def _taken(left):
    """Take from the left of a deque, as others do, until it is empty."""
    while True:
        try:
            yield left.popleft()
        except IndexError:
            return
