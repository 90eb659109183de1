"""The place of a run's results, kept apart from those of other runs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from filelock import FileLock, Timeout

from sklidh.results._record import (
    PlaceError,
    inputs_of,
    read_record,
    record_of,
    record_path,
    record_text,
    refuse_another_run,
)
from sklidh.utils import atomic_write, sweep


def check_out(out: Path, *, is_file: bool, option: str = "--out"):
    """Make the folder of results, and raise a PlaceError if nothing can be written there."""
    if is_file and out.is_dir():
        raise PlaceError(f"{option} {out}: is a folder; name a file in it")
    if not is_file and out.exists() and not out.is_dir():
        raise PlaceError(f"{option} {out}: is a file; name a folder")
    if is_file and out.exists() and not out.is_file():
        raise PlaceError(f"{option} {out}: is a device or a pipe; name a file")
    folder = out.parent if is_file else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permissions are not enough: to root everything seems writable, even on a read-only disk.
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PlaceError(
            f"{option} {out}: {error.strerror} ({folder}); name a place that can be written"
        ) from error


@contextmanager
def claimed(
    out: Path, *, is_file: bool, command: str, options: Mapping, overwrite: bool
) -> Iterator[dict]:
    """Reserve a place for the results of one run, and leave its record there.

    `options` are named as on the command line, and their paths are absolute. The block fills the
    dict that is yielded: ``files``, the paths that it wrote, and anything else for the record.
    Afterwards files that only the previous run wrote are deleted: results of two runs never lie
    side by side. Raises a PlaceError if the place cannot be written or is an input, if another run
    is writing there now, or, without `overwrite`, if it holds the results of another run.
    """
    was_there = out.exists()
    check_out(out, is_file=is_file)
    record = record_path(out, is_file=is_file)
    for name, path in inputs_of(options).items():
        if path.exists() and out.exists() and path.samefile(out):
            raise PlaceError(f"--out {out}: is also the input {name}; name another place")
    this = record_of(command, options)
    with no_empty_folder(None if is_file or was_there else out), lock(out, record) as is_alone:
        sweep(out.parent if is_file else out, alone=is_alone and not is_file)
        before = read_record(record)
        if (out if is_file else record).exists() and not overwrite:
            refuse_another_run(out, before, this)
        outcome = {}
        yield outcome
        names = [_name(path, record) for path in outcome.get("files", ())]
        inputs = [path.resolve() for path in inputs_of(options).values()]
        for name in before.get("files", ()):
            left = (record.parent / name).resolve()
            is_inside = left.is_relative_to(record.parent.resolve())
            if name not in names and is_inside and left not in inputs:
                left.unlink(missing_ok=True)
        whole = {**this, **outcome, "files": names}
        # `write_run` has left there what the report needs.
        if (report := read_record(record).get("report")) is not None:
            whole["report"] = report
        with atomic_write(record) as temporary:
            temporary.write_text(record_text(whole, record.name), encoding="utf-8")


@contextmanager
def replaced(path: Path, record: Path | None = None) -> Iterator[Path]:
    """Yield where to write a file of results, which then replaces `path` and its record.

    The `record` lies beside `path` unless it is given. A run that is killed at this moment leaves
    new results without a record, never with that of another run.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        yield temporary
        (record or record_path(path, is_file=True)).unlink(missing_ok=True)


@contextmanager
def no_empty_folder(folder: Path | None):
    """Remove a new folder if nothing was written to it."""
    try:
        yield
    finally:
        if folder is not None:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def lock(out: Path, record: Path) -> Iterator[bool]:
    """Keep other commands from writing to the same place while the block runs.

    Yields whether this is certain: False where the file system has no locks.
    """
    file_lock = FileLock(record.with_name(f".{record.name}.lock"), timeout=0)
    try:
        file_lock.acquire()
    except Timeout:
        raise PlaceError(
            f"--out {out}: another sklidh is writing there now; wait for it, or name another place"
        ) from None
    except (OSError, NotImplementedError):
        # Some network file systems have no locks; the command runs without one.
        yield False
        return
    try:
        yield True
    finally:
        # Removed while it is held: afterwards the file may be another command's.
        # Windows cannot remove an open file; an empty file stays.
        with suppress(OSError):
            Path(file_lock.lock_file).unlink()
        file_lock.release()


def _name(path: Path, record: Path) -> str:
    # What check --fix and predict --report write may lie elsewhere.
    return Path(os.path.relpath(path, record.parent)).as_posix()
