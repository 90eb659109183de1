"""Cached files: their location, their names, and how they are written."""

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
"""Prefix of the name of a file that is being written."""

STALE = 3600.0
"""Age in s from which a temporary file is a leftover of a killed run."""

RECENT = 2e9
"""Time in ns within which two writes may get the same time stamp from the file system."""


def cache_folder(cache, name: str) -> Path | None:
    """Return the folder of one kind of cached files, creating it if missing.

    Temporary files of killed runs are removed.

    Parameters
    ----------
    cache : None, False, str or path
        Root of the cache. None: ``$SKLIDH_CACHE``, or ``~/.cache/sklidh`` if it is not set. False:
        no cache.
    name : str
        Kind of file, which is the name of the subfolder.

    Returns
    -------
    Path or None
        None if `cache` is False.

    Raises
    ------
    OSError
        The folder cannot be created, for example because a file has that name.
    """
    if cache is False:
        return None
    root = cache or os.environ.get("SKLIDH_CACHE") or Path.home() / ".cache" / "sklidh"
    folder = Path(root) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"the cache folder {folder} cannot be created ({error.strerror}); set another with "
            "$SKLIDH_CACHE (in Python also with cache=; cache=False disables the cache)"
        ) from error
    sweep(folder)
    return folder


def cache_content() -> dict[str, tuple[int, int]]:
    """Return the number and size of cached files.

    Returns
    -------
    dict of str to (int, int)
        Number of files and their total size in bytes, by kind of file (subfolder).
    """
    kinds = (path for path in sorted(cache_folder(None, "").iterdir()) if path.is_dir())
    files = {kind.name: [path for path in kind.rglob("*") if path.is_file()] for kind in kinds}
    return {
        name: (len(paths), sum(path.stat().st_size for path in paths))
        for name, paths in files.items()
    }


def clear_cache() -> dict[str, tuple[int, int]]:
    """Delete all cached files; later runs recompute them. A run in progress may fail.

    Returns
    -------
    dict of str to (int, int)
        The deleted files, as in `cache_content`.
    """
    content = cache_content()
    for name in content:
        shutil.rmtree(cache_folder(None, "") / name, ignore_errors=True)
    return content


def sweep(folder: Path, *, alone: bool = False) -> None:
    """Remove half-written files of killed runs from a folder.

    Parameters
    ----------
    folder : Path
        Folder, which need not exist.
    alone : bool, default=False
        Whether no other process can be writing to the folder; then recent files are removed too.
    """
    for left in folder.glob(f"{TEMPORARY}*"):
        # Another run may be finishing the file, or the folder may be read-only.
        with suppress(OSError):
            if alone or time.time() - left.stat().st_mtime > STALE:
                left.unlink()


def fingerprint(*parts) -> str:
    """Return a digest of all inputs of a result.

    Parameters
    ----------
    *parts : str, bytes, Path or any object with a faithful text
        Inputs. A Path stands for the content of the file, or of all files in the folder.

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
        # The length distinguishes ("ab", "c") from ("a", "bc").
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


@lru_cache(maxsize=16)
def source_digest(package: str) -> str:
    """Return a digest of a package's code, so that results of other code are not reused.

    The version is not enough: it does not change when the code of a development install does.

    Parameters
    ----------
    package : str
        Path of the package's folder or of a file in it.

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
    # Inode, size and modification time are only part of the cache key: a rewritten file is re-read.
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).digest()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, and rename it to `path` on success.

    A run that is killed thus leaves no half-written file under the final name. The temporary name
    has the extension of `path`, from which image writers choose the format.

    Parameters
    ----------
    path : Path
        Final path of the file.

    Yields
    ------
    Path
        Temporary path to write to.

    Raises
    ------
    OSError
        The file cannot be written; the message contains `path`, not the temporary path.
    """
    path = Path(path)
    # Created by the writer, not by tempfile, so that the user's umask sets its permissions.
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
