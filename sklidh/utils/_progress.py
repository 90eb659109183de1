"""Progress of long loops: a bar on a terminal, lines in a log."""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

SHORT = 5.0
"""Duration in s below which a loop is not logged, for example if all results are cached."""

PATIENCE = 60.0
"""Interval in s between log lines of a running loop."""


class _Place(threading.local):
    """Location of this thread's work; a context variable would be lost on dask's event loop."""

    where: tuple[str, ...] = ()
    hidden = False


_here = _Place()
_bars = []
"""The display of the bars of all running loops; empty if none is running."""

_display_lock = threading.RLock()


@contextmanager
def part(name: str) -> Iterator[None]:
    """Prefix progress and warnings inside the block with a location, such as "fold 2 of 5".

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
    """Prefix a warning with its location, if any, such as "fold 2 of 5, T1CE: ...".

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
    """Show no progress inside the block, for processes that do not own the terminal."""
    before, _here.hidden = _here.hidden, True
    try:
        yield
    finally:
        _here.hidden = before


def progress(
    items: Iterable, description: str, *, total: int | None = None, unit: str = "", verbose=0
) -> Iterator:
    """Iterate over `items`, and show progress on standard error if `verbose` is set.

    On a terminal and in a notebook, a bar is shown that disappears when the loop is done. In a log
    file, a line is written every minute and at the end; loops of less than five seconds are not
    logged. The first item is left out of the estimate of the time left, because it may have waited
    for compilation.

    Parameters
    ----------
    items : iterable
    description : str
        Description of the loop.
    total : int, default=None
        Number of items, if `items` has no length.
    unit : str, default=""
        Name of an item, such as "epoch": the bar or line then reads "SA-Net T1: epoch 12 of 20".
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
    # "radiomics T1" already contains the location T1.
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
    with _display_lock:
        if not _bars:
            # One display for all loops: several on one terminal would overwrite each other. rich's
            # 30 s window gives no estimate when one item takes longer.
            settings = {"console": console, "speed_estimate_period": math.inf}
            _bars.append(Progress(*columns, transient=True, **settings))
            _bars[0].start()
        display = _bars[0]
        bar = display.add_task(name, total=total)
    try:
        for number, item in enumerate(items, start=1):
            if unit:
                # Shown at once, because all items may be done before the next refresh.
                text = f"{name}: {unit} {number} of {total}"
                display.update(bar, description=text, refresh=number == 1)
            yield item
            display.advance(bar)
    finally:
        with _display_lock:
            display.remove_task(bar)
            if not display.tasks:
                _bars.clear()
                display.stop()


def _with_lines(items, name, total, unit, console):
    started = logged = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if done == 1:
            first = now
        if done < total and now - logged >= PATIENCE:
            line = f"{name}: {unit} {done} of {total}" if unit else f"{name}: {done} of {total}"
            if done > 1:
                line += f", {_duration((now - first) / (done - 1) * (total - done))} left"
            console.print(line, soft_wrap=True)
            logged = now
    took = time.monotonic() - started
    if took >= SHORT:
        items_done = f"{total} {unit}s" if unit else str(total)
        console.print(f"{name}: {items_done} in {_duration(took)}", highlight=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
