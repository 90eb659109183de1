"""Files kept between runs: where they lie, what they are called, how they are written."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

TEMPORARY = ".writing-"
"""How the name of a file begins that is being written."""

STALE = 3600.0
"""s after which a temporary file belongs to a run that was killed; no file takes that long."""

RUN = "run.json"
"""Written last, and taken away first: a folder that has it holds the whole results of one run."""

CONFIG = "config.yaml"
"""The options of the command that made a folder's results. What replaces them takes it away."""

RECENT = 2e9
"""ns within which a file system may give two writes the same time."""


def cache_folder(cache, name: str) -> Path | None:
    """Return the folder that holds one kind of cached files, made if need be.

    Temporary files that a killed run has left there are removed.

    Parameters
    ----------
    cache : None, False, str or path
        None: ``$SKLIDH_CACHE``, else ``~/.cache/sklidh``. False: nothing is kept.
    name : str
        The kind of file, a subfolder's name.

    Returns
    -------
    Path or None
        None where `cache` is False.

    Raises
    ------
    OSError
        The folder cannot be made, as where a file of that name is.
    """
    if cache is False:
        return None
    root = cache or os.environ.get("SKLIDH_CACHE") or Path.home() / ".cache" / "sklidh"
    folder = Path(root) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"the cache folder {folder} cannot be made ({error.strerror}); name another by "
            "$SKLIDH_CACHE (in Python also by cache=; cache=False keeps nothing)"
        ) from error
    sweep(folder)
    return folder


def cache_content() -> dict[str, tuple[int, int]]:
    """Return what the cache holds.

    Returns
    -------
    dict of str to (int, int)
        By the kind of file, a subfolder: how many files, and their size in bytes.
    """
    kinds = (path for path in sorted(cache_folder(None, "").iterdir()) if path.is_dir())
    files = {kind.name: [path for path in kind.rglob("*") if path.is_file()] for kind in kinds}
    return {
        name: (len(paths), sum(path.stat().st_size for path in paths))
        for name, paths in files.items()
    }


def clear_cache() -> dict[str, tuple[int, int]]:
    """Delete all cached files: results are computed as needed. A run that is at work may fail.

    Returns
    -------
    dict of str to (int, int)
        What was deleted, as `cache_content` returns it.
    """
    content = cache_content()
    for name in content:
        shutil.rmtree(cache_folder(None, "") / name, ignore_errors=True)
    return content


def sweep(folder: Path, *, alone: bool = False) -> None:
    """Remove the files in a folder that a killed run has left half-written.

    Parameters
    ----------
    folder : Path
        It need not be there.
    alone : bool, default=False
        Whether nobody else can be writing in the folder: then young files are removed, too.
    """
    for left in folder.glob(f"{TEMPORARY}*"):
        # Another run may end it at this moment, and the folder may be for reading only.
        with suppress(OSError):
            if alone or time.time() - left.stat().st_mtime > STALE:
                left.unlink()


def fingerprint(*parts) -> str:
    """Return a digest of everything that a result depends on.

    Parameters
    ----------
    *parts : str, bytes, Path or any object with a faithful text
        A Path stands for the content of its file, or of all files of its folder.

    Returns
    -------
    str
        40 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        if isinstance(part, Path):
            content = _path_digest(part.resolve())
        else:
            content = part if isinstance(part, bytes) else str(part).encode()
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


@lru_cache(maxsize=16)
def source_digest(package: str) -> str:
    """Return a digest of a package's code: a result kept by other code is not used.

    A version does not do: a development install keeps its version while the code changes.

    Parameters
    ----------
    package : str
        Path of its folder or of a file in it.

    Returns
    -------
    str
    """
    folder = Path(package)
    return fingerprint(*sorted((folder if folder.is_dir() else folder.parent).glob("*.py")))


def _path_digest(path: Path) -> bytes:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        named = [part for file in files for part in (str(file.relative_to(path)), file)]
        return fingerprint(*named).encode()
    status = path.stat()
    recent = time.time_ns() - status.st_mtime_ns < RECENT
    read = _read_digest.__wrapped__ if recent else _read_digest
    return read(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=65536)
def _read_digest(path: Path, inode: int, size: int, modified_ns: int) -> bytes:
    # Inode, size and time of change are part of the key only: a rewritten file is read again.
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).digest()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` once the block succeeds.

    A run that is killed half way leaves no half-written file under the final name. The temporary
    name ends as `path` does, since image writers choose the format by it.

    Parameters
    ----------
    path : Path
        The file to be.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OSError
        The file cannot be written; told by its own name, not the temporary one.
    """
    path = Path(path)
    # Made by the writer, not by tempfile, so that others may read it as the user's umask says.
    temporary = path.with_name(f"{TEMPORARY}{uuid4().hex}-{path.name}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename in (temporary, str(temporary)):
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
