"""Log a line when loops are being compiled, which happens once per machine."""

import logging
from contextlib import contextmanager

from numba.core import event

from sklidh.radiomics._announcement import is_first

logger = logging.getLogger("sklidh.radiomics")


class _Announcement(event.Listener):
    """Announce compilation once; stay silent if the loops come from the cache."""

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
    """Log one line as soon as anything is compiled inside the block.

    The line appears once per process, or once for all processes within `announced_once`.
    """
    with event.install_listener("numba:compile", _Announcement()):
        yield
