"""The work of a command on the workers of a dask scheduler, through joblib's backend."""

from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.metadata import version

import typer
from joblib import parallel_config

from sklidh.cli.console import console

PATIENCE = 10
"""s that a scheduler may take to answer."""

LIMIT = 3600.0
"""s that a cluster may take over one patient's radiomics."""

_timeout: ContextVar[float | None] = ContextVar("timeout", default=None)


@contextmanager
def on_scheduler(address: str):
    """Let joblib hand what is done inside the block to a cluster; nothing changes without one."""
    if not address:
        yield
        return
    try:
        from distributed import Client, KilledWorker

        from sklidh.utils._worker_warnings import TOPIC, ForwardWarnings, warn_here
    except ImportError as error:
        raise ImportError(
            "--scheduler needs dask's distributed, which is not installed: pip install "
            "'sklidh[dask]'"
        ) from error
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"--scheduler {address}: no dask scheduler answers there ({error}); start one with "
            "dask scheduler and give the address that it prints, such as tcp://host:8786"
        ) from error
    with client:
        check_workers(client, address)
        threads = client.nthreads()
        console.print(f"{len(threads)} workers, {sum(threads.values())} threads at {address}")
        client.subscribe_topic(TOPIC, warn_here)
        client.register_plugin(ForwardWarnings())
        token = _timeout.set(LIMIT)
        try:
            with parallel_config("dask"):
                yield
        except (CancelledError, KilledWorker) as error:
            raise ConnectionError(
                f"--scheduler {address}: a worker was lost, most often for want of memory "
                f"({error}); what was finished is kept, and the same command goes on from there"
            ) from error
        finally:
            _timeout.reset(token)
            # A cluster that has gone has nothing to be given back.
            with suppress(OSError):
                client.unregister_worker_plugin(TOPIC)


def time_limit() -> float | None:
    """Return the time limit (s) per patient; None, without a limit, outside a cluster."""
    # A worker that keeps dying would be waited for without end.
    return _timeout.get()


def check_workers(client, address: str):
    """Refuse a scheduler without workers, and workers with another version of sklidh."""
    if not client.nthreads():
        raise typer.BadParameter(
            f"--scheduler {address}: no workers; start some with dask worker {address}"
        )
    ours = version("sklidh")
    # version() itself travels: a worker without sklidh has it, and tells.
    answers = client.run(version, "sklidh", on_error="return")
    for worker, answer in answers.items():
        if answer != ours:
            seen = "none" if isinstance(answer, Exception) else answer
            raise typer.BadParameter(
                f"--scheduler {address}: worker {worker} has sklidh {seen}, this machine has {ours}"
                "; install the same version on both"
            )
