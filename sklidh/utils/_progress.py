"""How far every long loop is: a bar on a terminal, a line in a log."""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

SHORT = 5.0
"""s; a loop done sooner, as where all results are in the cache, has no line in a log."""

PATIENCE = 60.0
"""s after which a loop that is still running has another line in a log."""


class _Place(threading.local):
    """Where this thread's work is; a context variable would go astray on dask's event loop."""

    where: tuple[str, ...] = ()
    hidden = False


_here = _Place()
_bars = []
"""What shows the bars of all loops that run now; empty while none does."""

_one_at_a_time = threading.RLock()


@contextmanager
def part(name: str) -> Iterator[None]:
    """Let loops and warnings inside the block say where they are, as "fold 2 of 5".

    Parameters
    ----------
    name : str
    """
    before, _here.where = _here.where, (*_here.where, name)
    try:
        yield
    finally:
        _here.where = before


def located(text: str) -> str:
    """Put in front of a warning where it arises, as "fold 2 of 5, T1CE: ..."; at the top nothing.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    where = ", ".join(_here.where)
    return f"{where}: {text}" if where else text


@contextmanager
def no_progress():
    """Show nothing inside the block: the terminal is not this process's."""
    before, _here.hidden = _here.hidden, True
    try:
        yield
    finally:
        _here.hidden = before


def progress(
    items: Iterable, description: str, *, total: int | None = None, unit: str = "", verbose=0
) -> Iterator:
    """Iterate over `items`, and show on the standard error how far it is, if asked to.

    On a terminal and in a notebook it is a bar that goes when it is done. In a log file it is a
    line at the end, and one a minute before it; none for a loop of less than five seconds. The time
    left is judged without the first item, which may have waited for loops to be compiled.

    Parameters
    ----------
    items : iterable
    description : str
        What is done.
    total : int, default=None
        Number of items, where `items` does not tell.
    unit : str, default=""
        What an item is, as "epoch": the bar or line then reads "SA-Net T1: epoch 12 of 20".
    verbose : int, default=0
        0 shows nothing.

    Yields
    ------
    object
        Each item.
    """
    total = len(items) if total is None else total
    if not verbose or not total or _here.hidden:
        yield from items
        return
    from rich.console import Console

    console = Console(stderr=True)
    # "radiomics T1" says by itself that it is in the branch of T1.
    where = [part for part in _here.where if part not in description.split()]
    name = ", ".join((*where, description))
    if console.is_terminal or console.is_jupyter:
        yield from _with_bar(items, name, total, unit, console)
    else:
        yield from _with_lines(items, name, total, unit, console)


def _with_bar(items, name, total, unit, console):
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeLeft())
    with _one_at_a_time:
        if not _bars:
            # One for all: two that draw on the same terminal would overwrite each other.
            # By the last thirty seconds alone, as rich would, no time left is known of slow items.
            settings = {"console": console, "speed_estimate_period": math.inf}
            _bars.append(Progress(*columns, transient=True, **settings))
            _bars[0].start()
        display = _bars[0]
        bar = display.add_task(name, total=total)
    try:
        for number, item in enumerate(items, start=1):
            if unit:
                # The first at once: all may be done before the next refresh.
                text = f"{name}: {unit} {number} of {total}"
                display.update(bar, description=text, refresh=number == 1)
            yield item
            display.advance(bar)
    finally:
        with _one_at_a_time:
            display.remove_task(bar)
            if not display.tasks:
                _bars.clear()
                display.stop()


def _with_lines(items, name, total, unit, console):
    started = told = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if done == 1:
            first = now
        if done < total and now - told >= PATIENCE:
            line = f"{name}: {unit} {done} of {total}" if unit else f"{name}: {done} of {total}"
            if done > 1:
                line += f", {_duration((now - first) / (done - 1) * (total - done))} left"
            console.print(line, soft_wrap=True)
            told = now
    took = time.monotonic() - started
    if took >= SHORT:
        items_done = f"{total} {unit}s" if unit else str(total)
        console.print(f"{name}: {items_done} in {_duration(took)}", highlight=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
