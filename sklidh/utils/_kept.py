"""Results of jobs that are kept between runs: only the others are worked on."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from sklidh.utils._cache import atomic_write
from sklidh.utils._spread import spread


def spread_kept(
    jobs: Sequence, name: str, entries: Sequence[Path | None], *, keeps: Callable = bool, **how
) -> list:
    """Do the jobs whose results are not kept from an earlier run, and keep theirs.

    Parameters
    ----------
    jobs : sequence of (callable, tuple, dict)
        As `spread` takes them; each returns what JSON can hold.
    name : str
        What is done, for the progress.
    entries : sequence of Path or None
        The file of each result, whose name stands for all that the result depends on; None where
        nothing is to be kept.
    keeps : callable, default=bool
        Whether a result is kept.
    **how
        ``n_jobs``, ``timeout`` and ``verbose`` of `spread`.

    Returns
    -------
    list
        In the order of `jobs`. JSON has lists only: tuples come back as lists.
    """
    results = [_read(entry) for entry in entries]
    absent = [number for number, result in enumerate(results) if result is None]
    done = spread([jobs[number] for number in absent], name, **how)
    for number, result in zip(absent, done, strict=True):
        results[number], entry = result, entries[number]
        if entry is not None and keeps(result):
            with atomic_write(entry) as path:
                path.write_text(json.dumps(result))
    return results


def _read(entry: Path | None):
    """Return what is kept, or None where there is nothing that can be read."""
    try:
        return None if entry is None else json.loads(entry.read_text())
    except (OSError, ValueError, RecursionError):
        return None
