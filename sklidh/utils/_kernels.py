"""Decorator for functions compiled with numba."""

import os
from collections.abc import Callable
from pathlib import Path


def kernel(function: Callable | None = None, **options) -> Callable:
    """Compile a function with numba, without the GIL and with a cache on disk.

    Numba stores the machine code next to the source or, if that folder is read-only, in the user's
    cache folder (or in ``NUMBA_CACHE_DIR``). If neither is writable, as in containers without a
    home folder, ``$SKLIDH_CACHE`` is used; if it is not set, each process compiles.

    Parameters
    ----------
    function : callable
    **options
        Options of `numba.njit`, such as ``fastmath`` and ``error_model``.

    Returns
    -------
    callable
        The compiled function, or a decorator if only options are given.
    """
    from numba import config, njit

    if function is None:
        return lambda function: kernel(function, **options)
    try:
        return njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba finds no writable folder
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
