"""How many threads work on a network, and the memory that each uses again and again."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import torch


class OneThread:
    """Let torch use one thread inside the block.

    More of them only wait for each other, and the bits of a sum depend on how many share it.
    Several threads may be inside; the last one out restores what the first one found.
    """

    lock, inside, before = threading.Lock(), 0, 1

    def __enter__(self):
        with OneThread.lock:
            if not OneThread.inside:
                OneThread.before = torch.get_num_threads()
                torch.set_num_threads(1)
            OneThread.inside += 1

    def __exit__(self, *_):
        with OneThread.lock:
            OneThread.inside -= 1
            if not OneThread.inside:
                torch.set_num_threads(OneThread.before)


def spread(function, *parts):
    """Call a function with each part, side by side on as many threads as torch may use.

    A part is worked on by one thread, whatever their number. So nothing depends on it, to the last
    bit, where the results are put together in their order. The threads end with the call: there
    are none when the process forks, and any number of threads may come here at once.

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
    threads = min(torch.get_num_threads(), len(parts[0]))
    if threads < 2:
        return list(map(function, *parts))
    is_inference = torch.is_inference_mode_enabled()  # each thread has a mode of its own

    def call(*part):
        with torch.inference_mode(is_inference), torch.no_grad():
            return function(*part)

    with OneThread(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, *parts))


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
        size = math.prod(shape)
        if name not in self._held or len(self._held[name]) < size:
            self._held[name] = like.new_empty(size)
        return self._held[name][:size].view(shape)
