"""Parallel jobs on several processes or machines."""

import multiprocessing.resource_tracker
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from sklidh.utils._errors import WorkerDiedError
from sklidh.utils._progress import no_progress, progress

JOBLIB_SAYS = ("A worker stopped while some jobs were given", "Persisting input arguments took")
"""First words of joblib warnings that are harmless here: joblib replaced a worker whose memory grew
by 300 MB between two patients, for which one large image is enough; or, on a busy machine, hashing
the input of a cached step took half a second."""


def ignore_joblib() -> None:
    """Filter out the warnings in `JOBLIB_SAYS`."""
    for first_words in JOBLIB_SAYS:
        warnings.filterwarnings("ignore", first_words)


def spread(
    jobs: Sequence, name: str, *, n_jobs=None, timeout=None, cache=None, verbose=0
) -> Iterator:
    """Run jobs in parallel with joblib, and re-issue the workers' warnings in this process.

    Parameters
    ----------
    jobs : sequence of (callable, tuple, dict)
        Functions and their arguments, as returned by ``joblib.delayed``.
    name : str
        Description for the progress bar.
    n_jobs : int, default=None
        Number of parallel jobs, as in scikit-learn.
    timeout : float, default=None
        Maximum time per job in s, if jobs run in parallel.
    cache : None, False, str or path, default=None
        False if results are not cached, so that an error cannot promise that they are kept.
    verbose : int, default=0
        1 shows a progress bar.

    Yields
    ------
    object
        The result of each function, in the order of `jobs`.

    Raises
    ------
    TimeoutError
        A job took longer than `timeout`; on a dask cluster also if a worker kept dying.
    WorkerDiedError
        A worker died.

    Warns
    -----
    Warning
        Warnings of the functions, which would otherwise only appear in the workers' logs.
    """
    here = os.getpid()
    work = (
        delayed(_with_warnings)(here, function, *arguments, **options)
        for function, arguments, options in jobs
    )
    kept = (
        "no results are kept, because cache=False"
        if cache is False
        else "finished results are in the cache, and the same call resumes from there"
    )
    try:
        parallel = Parallel(n_jobs, timeout=timeout, return_as=results_as())
        with no_ctrl_c(parallel.return_generator):
            results = parallel(work)
        for result, caught in progress(results, name, total=len(jobs), verbose=verbose):
            for text, category, file, line in caught:
                warnings.warn_explicit(text, category, file, line)
            yield result
    except (TimeoutError, multiprocessing.TimeoutError) as error:
        if timeout is None:
            raise
        raise TimeoutError(
            f"{name}: a patient took longer than timeout={timeout} s, or its worker died; {kept}"
        ) from error
    except BrokenExecutor as error:
        raise WorkerDiedError(
            f"{name}: a worker died, usually because memory ran out; try fewer parallel "
            f"jobs than n_jobs={n_jobs} (--jobs); {kept}"
        ) from error


@contextmanager
def no_ctrl_c(starts_only: bool) -> Iterator[None]:
    """Hold back Ctrl-C while workers start: they inherit this and leave it to this process.

    Otherwise each worker would print a traceback of its own. The signal is delivered afterwards.
    If the block does not only start the workers, but all of their work, nothing is held back.
    """
    if not (starts_only and hasattr(signal, "pthread_sigmask")):
        yield
        return
    # Its first start would let Ctrl-C through.
    multiprocessing.resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def results_as() -> str:
    """Return how the active joblib backend can return results.

    Returns
    -------
    {"generator", "list"}
        "generator" returns results one by one, "list" all at the end (as with Ray).
    """
    backend, _ = get_active_backend()
    return "generator" if backend.supports_return_generator else "list"


def _with_warnings(here, function, *arguments, **options):
    """Call a function in a worker; return its result and the warnings it issued."""
    if os.getpid() == here:
        return function(*arguments, **options), []
    with no_progress(), warnings.catch_warnings(record=True) as caught:
        result = function(*arguments, **options)
    return result, [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
