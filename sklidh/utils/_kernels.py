"""One decorator for every loop that numba compiles."""

import os
from collections.abc import Callable
from pathlib import Path


def kernel(function: Callable | None = None, **options) -> Callable:
    """Compile a function with numba, to release the interpreter's lock and to stay on disk.

    Numba keeps the machine code beside the source or, where that cannot be written, in the user's
    cache folder (``NUMBA_CACHE_DIR`` names another). Where neither can be written, as in containers
    without a home, it is kept in ``$SKLIDH_CACHE``; without that, each process compiles.

    Parameters
    ----------
    function : callable
    **options
        Passed on to `numba.njit`: ``fastmath``, ``error_model``.

    Returns
    -------
    callable
        The compiled function; a decorator where only options are given.
    """
    from numba import config, njit

    if function is None:
        return lambda function: kernel(function, **options)
    try:
        return njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba finds no folder that it can write
        cache = os.environ.get("SKLIDH_CACHE")
    if not cache or config.CACHE_DIR:
        return njit(nogil=True, **options)(function)
    config.CACHE_DIR = str(Path(cache) / "compiled")
    try:
        return njit(cache=True, nogil=True, **options)(function)
    except (RuntimeError, OSError):
        return njit(nogil=True, **options)(function)
    finally:
        config.CACHE_DIR = ""
