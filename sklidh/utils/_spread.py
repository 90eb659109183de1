"""Work done by several processes or machines, as if it were done here."""

import multiprocessing
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from sklidh.utils._progress import no_progress, progress

JOBLIB_SAYS = ("A worker stopped while some jobs were given", "Persisting input arguments took")
"""How joblib's warnings begin by which nothing is lost and about which nothing can be done: it
replaced a worker that grew by 300 MB between two patients, for which a large image is enough; and
on a busy machine it took half a second to describe the input of a step whose result it keeps."""


def ignore_joblib() -> None:
    """Ignore what `JOBLIB_SAYS`, as long as the filters of warnings stay."""
    for beginning in JOBLIB_SAYS:
        warnings.filterwarnings("ignore", beginning)


class WorkerDiedError(RuntimeError):
    """A process that did a part of the work is gone; the message tells what is kept."""


def spread(jobs: Sequence, name: str, *, n_jobs=None, timeout=None, verbose=0) -> Iterator:
    """Do jobs by joblib, several at once, and warn here of what is warned of elsewhere.

    Parameters
    ----------
    jobs : sequence of (callable, tuple, dict)
        Functions and their arguments, as ``joblib.delayed`` puts them together.
    name : str
        What is done, for the progress.
    n_jobs : int, default=None
        Jobs worked on at once, as in scikit-learn.
    timeout : float, default=None
        Seconds that one job may take where several are worked on at once.
    verbose : int, default=0
        1 shows how far it is.

    Yields
    ------
    object
        What each function returns, in the order of `jobs`.

    Warns
    -----
    Warning
        Whatever the functions warn of. A worker's own warnings would be lost in its log.
    """
    here = os.getpid()
    work = (
        delayed(_listened)(here, function, *arguments, **options)
        for function, arguments, options in jobs
    )
    results = Parallel(n_jobs, timeout=timeout, return_as=results_as())(work)
    for result, heard in progress(results, name, total=len(jobs), verbose=verbose):
        for text, category, file, line in heard:
            warnings.warn_explicit(text, category, file, line)
        yield result


@contextmanager
def lost_workers(name: str, *, n_jobs, timeout, cache) -> Iterator[None]:
    """Say what happened where the workers of `spread` died, or one of them took too long.

    Parameters
    ----------
    name : str
        What is done.
    n_jobs : int or None
    timeout : float or None
        As `spread` was given them.
    cache : None, False, str or path
        False: what was done is lost.

    Raises
    ------
    TimeoutError
        A job took longer than `timeout`; on a dask cluster also where a worker kept dying.
    WorkerDiedError
        A worker died.
    """
    kept = (
        "nothing was kept, since cache=False"
        if cache is False
        else "what was done is in the cache, and the same call goes on from there"
    )
    try:
        yield
    except (TimeoutError, multiprocessing.TimeoutError) as error:
        raise TimeoutError(
            f"{name}: a patient took longer than timeout={timeout} s, or its worker died; {kept}"
        ) from error
    except BrokenExecutor as error:
        raise WorkerDiedError(
            f"{name}: a worker died, most often for want of memory (fewer than n_jobs={n_jobs} "
            f"need less); {kept}"
        ) from error


def results_as() -> str:
    """Return how joblib's backend of the moment can hand results over.

    Returns
    -------
    {"generator", "list"}
        One by one, or all at the end, as Ray's does.
    """
    backend, _ = get_active_backend()
    return "generator" if backend.supports_return_generator else "list"


def _listened(here, function, *arguments, **options):
    """Call a function, and return with its result what it warned of where nobody hears it."""
    if os.getpid() == here:
        return function(*arguments, **options), []
    with no_progress(), warnings.catch_warnings(record=True) as caught:
        result = function(*arguments, **options)
    return result, [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
