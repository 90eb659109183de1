"""How loops are compiled: once per machine, and said when it happens."""

import logging
from contextlib import contextmanager

from numba import njit
from numba.core import event

from sklidh.radiomics._announcement import is_first

logger = logging.getLogger("sklidh.radiomics")


def kernel(function=None, **options):
    """Compile a function with numba, to release the lock and to stay on disk.

    Numba keeps the code beside the source or, where that cannot be written, in the user's cache
    folder (``NUMBA_CACHE_DIR`` names another). Where nothing can be written it is compiled anew in
    each process.

    Parameters
    ----------
    function : callable
    **options
        Passed on to `numba.njit`: ``fastmath``, ``error_model``.
    """
    if function is None:
        return lambda function: kernel(function, **options)
    try:
        return njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba finds no folder to cache in
        return njit(nogil=True, **options)(function)


class _Announcement(event.Listener):
    """Say once that loops are being compiled; nothing where they come from the cache."""

    said = False

    def on_start(self, event):
        if not _Announcement.said:
            _Announcement.said = True
            if is_first():
                logger.warning(
                    "compiling the radiomics loops, once on this machine: about 15 s ..."
                )

    def on_end(self, event):
        pass


@contextmanager
def compilation_announced():
    """While open, log one line as soon as anything must be compiled.

    One in each process, or in all that were started within `announced_once`.
    """
    with event.install_listener("numba:compile", _Announcement()):
        yield
