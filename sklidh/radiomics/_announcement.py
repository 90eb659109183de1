"""Announce the compilation of loops once across all worker processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BOARD = "SKLIDH_ANNOUNCED"
"""Environment variable, inherited by workers, with the folder that records announcements."""


@contextmanager
def announced_once() -> Iterator[None]:
    """Make all processes started inside the block announce compilation only once."""
    with TemporaryDirectory(prefix="sklidh-") as folder:
        os.environ[BOARD] = folder
        try:
            yield
        finally:
            del os.environ[BOARD]


def is_first() -> bool:
    """Return whether this is the first call within the block; always True outside a block."""
    board = os.environ.get(BOARD)
    if not board:
        return True
    try:
        (Path(board) / "compiling").touch(exist_ok=False)
    except OSError:
        return False
    return True
