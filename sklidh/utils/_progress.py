"""One progress bar for every long loop."""

from collections.abc import Iterable, Iterator


def progress(items: Iterable, description: str, *, total: int | None = None, verbose=0) -> Iterator:
    """Iterate over `items`, with a bar on the terminal where `verbose` asks for one.

    Parameters
    ----------
    items : iterable
    description : str
        Stands before the bar.
    total : int, default=None
        Number of items, where `items` does not tell.
    verbose : int, default=0
        0 shows nothing.

    Yields
    ------
    object
        Each item.
    """
    if not verbose:
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    # A run has dozens of loops, most of them read from the cache at once: on a terminal a bar goes
    # when it is done; in a log file its last state is the record.
    transient = console.is_terminal
    yield from track(items, description, total=total, console=console, transient=transient)
