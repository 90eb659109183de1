"""Parallel jobs on the workers of a dask scheduler, through joblib's backend."""

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from importlib.metadata import version

from joblib import parallel_config

from sklidh.utils._errors import UserError

PATIENCE = 10
"""Time in s that a scheduler may take to answer."""


class SchedulerError(UserError, ValueError):
    """A scheduler that does not answer, or whose workers cannot do the work."""


@contextmanager
def on_scheduler(address: str) -> Iterator:
    """Run all loops inside the block on the workers of a dask scheduler.

    Their warnings are issued in this process, including those of scikit-learn's own loops.

    Parameters
    ----------
    address : str
        Such as ``tcp://host:8786``; empty: the block runs on this machine.

    Yields
    ------
    distributed.Client or None
        None without an address.

    Raises
    ------
    ImportError
        dask's distributed is not installed.
    SchedulerError
        No scheduler answers, it has no workers, or a worker has another version of sklidh.
    ConnectionError
        A worker was lost inside the block.
    """
    if not address:
        yield None
        return
    try:
        from distributed import Client, KilledWorker

        from sklidh.utils._worker_warnings import TOPIC, ForwardWarnings, warn_here
    except ImportError as error:
        raise ImportError(
            "a scheduler needs dask's distributed, which is not installed: pip install "
            "'sklidh[dask]'"
        ) from error
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise SchedulerError(
            f"no dask scheduler answers at {address} ({error}); start one with dask scheduler and "
            "give the address that it prints, such as tcp://host:8786"
        ) from error
    with client:
        check_workers(client, address)
        client.subscribe_topic(TOPIC, warn_here)
        client.register_plugin(ForwardWarnings())
        try:
            with parallel_config("dask"):
                yield client
        except (CancelledError, KilledWorker) as error:
            raise ConnectionError(
                f"{address}: a worker was lost, usually because memory ran out ({error}); finished "
                "results are kept, and the same call resumes from there"
            ) from error
        finally:
            # A scheduler that has stopped has no plugin to unregister.
            with suppress(OSError):
                client.unregister_worker_plugin(TOPIC)


def check_workers(client, address: str) -> None:
    """Raise a SchedulerError unless there are workers, all with this version of sklidh."""
    if not client.nthreads():
        raise SchedulerError(f"{address}: no workers; start some with dask worker {address}")
    ours = version("sklidh")
    # The function itself is sent: a worker without sklidh can run it, and raises.
    answers = client.run(version, "sklidh", on_error="return")
    for worker, answer in answers.items():
        if answer != ours:
            seen = "none" if isinstance(answer, Exception) else answer
            raise SchedulerError(
                f"{address}: worker {worker} has sklidh {seen}, this machine has {ours}; install "
                "the same version on both"
            )
