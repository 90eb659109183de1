"""How many threads work on a network, and the memory that each uses again and again."""

import math
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait

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


scratch = Scratch()
"""Held while somebody is inside `OneThread`."""


class OneThread:
    """Let torch's own operations use one thread inside the block; `spread` uses all it had before.

    Torch's threads would only wait for each other there, and for a moment after each operation
    they wait by counting, which takes a core from whoever works. The bits of a sum depend on how
    many share it, too. Any number of threads may be inside. The last one out ends the assistants
    of `spread`: there are none when the process forks.
    """

    lock, inside, before, assistants = threading.Lock(), 0, 1, []
    own = threading.local()  # how many threads torch uses is a thread's own affair

    def __enter__(self):
        with OneThread.lock:
            if not OneThread.inside:
                OneThread.before = torch.get_num_threads()
            OneThread.inside += 1
        OneThread.own.depth = getattr(OneThread.own, "depth", 0) + 1
        torch.set_num_threads(1)

    def __exit__(self, *_):
        OneThread.own.depth -= 1
        if not OneThread.own.depth:
            torch.set_num_threads(OneThread.before)
            scratch.clear()
        with OneThread.lock:
            OneThread.inside -= 1
            if not OneThread.inside:
                while OneThread.assistants:
                    OneThread.assistants.pop().shutdown()

    @classmethod
    def assist(cls, work, n):
        """Start `work` in n threads, or in as many as torch had beside the caller's.

        Each assistant has a queue of its own: of several threads that wait at one queue, one is
        woken for all that is put there at once.

        Returns
        -------
        list of Future
        """
        with cls.lock:
            n = max(0, min(n, cls.before - 1))
            while len(cls.assistants) < n:
                one = {"initializer": torch.set_num_threads, "initargs": (1,)}
                cls.assistants.append(ThreadPoolExecutor(1, **one))
            return [assistant.submit(work) for assistant in cls.assistants[:n]]


def spread(function, *parts):
    """Call a function with each part, side by side on as many threads as torch may use.

    A part is worked on by one thread, whatever their number. So nothing depends on it, to the last
    bit, where the results are put together in their order.

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
            while True:
                try:
                    i, part = left.popleft()
                except IndexError:
                    return
                results[i] = function(*part)

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
