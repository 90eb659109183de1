"""Parallel jobs with cached results: only jobs without a cached result run."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from sklidh.utils._cache import atomic_write
from sklidh.utils._spread import spread


def spread_kept(
    jobs: Sequence, name: str, entries: Sequence[Path | None], *, keeps: Callable = bool, **how
) -> list:
    """Run the jobs that have no cached result, and cache their results.

    Parameters
    ----------
    jobs : sequence of (callable, tuple, dict)
        As in `spread`; each returns a JSON-serialisable value.
    name : str
        Description for the progress bar.
    entries : sequence of Path or None
        Cache file of each result, whose name identifies all inputs of the result; None if the
        result is not cached.
    keeps : callable, default=bool
        ``keeps(result)`` returns whether to cache a result.
    **how
        ``n_jobs``, ``timeout`` and ``verbose`` of `spread`.

    Returns
    -------
    list
        Results in the order of `jobs`. Tuples may become lists, because JSON has no tuples.
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
    """Return the cached result, or None if there is none or it cannot be read."""
    try:
        return None if entry is None else json.loads(entry.read_text())
    except (OSError, ValueError, RecursionError):
        return None
