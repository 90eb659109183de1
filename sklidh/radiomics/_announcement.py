"""That loops are being compiled is said once, however many processes wait for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BOARD = "SKLIDH_ANNOUNCED"
"""Environment variable, which processes hand on: the folder where they note what they have said."""


@contextmanager
def announced_once() -> Iterator[None]:
    """Let all processes that are started inside the block say together, once, that they compile."""
    with TemporaryDirectory(prefix="sklidh-") as folder:
        os.environ[BOARD] = folder
        try:
            yield
        finally:
            del os.environ[BOARD]


def is_first() -> bool:
    """Return whether no process of the block has asked this before; outside of one always."""
    board = os.environ.get(BOARD)
    if not board:
        return True
    try:
        (Path(board) / "compiling").touch(exist_ok=False)
    except OSError:
        return False
    return True
