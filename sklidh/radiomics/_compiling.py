"""Log a line when loops are being compiled, which happens once on a machine."""

import logging
from contextlib import contextmanager

from numba.core import event

from sklidh.radiomics._announcement import is_first

logger = logging.getLogger("sklidh.radiomics")


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
