"""One thread for networks this small."""

import threading

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
