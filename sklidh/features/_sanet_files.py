"""A trained estimator as a folder of files that hold no code: JSON and safetensors."""

import hashlib
import json
from pathlib import Path

import numpy as np

from sklidh.utils import ModelFileError, atomic_write

FORMAT = 2
CONFIGURATION = "model.json"


def write_model(folder, kind, state):
    """Write an estimator's state, in place of one that may be there.

    Parameters
    ----------
    folder : str or path
        Made if need be.
    kind : str
        The estimator's class.
    state : dict
        Of None, numbers, strings, arrays, and lists, tuples and dicts of them; and of bytes in the
        safetensors format, each of which becomes a file.

    Raises
    ------
    TypeError
        Something else is in it.
    """
    folder, files = Path(folder), {}
    content = _plain(state, files)
    configuration = {
        "format": FORMAT,
        "kind": kind,
        "sha256": _digest(_text(content).encode()),
        "content": content,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        with atomic_write(folder / name) as path:
            path.write_bytes(data)
    with atomic_write(folder / CONFIGURATION) as path:
        path.write_text(_text(configuration), encoding="utf-8")


def read_model(folder, kind):
    """Read what `write_model` wrote; nothing in the files is executed.

    Parameters
    ----------
    folder : str or path
    kind : str

    Returns
    -------
    dict
        Tuples come back as lists.

    Raises
    ------
    ModelFileError
        A file is absent, truncated, altered, of another kind or of a newer format.
    """
    path = Path(folder) / CONFIGURATION
    try:
        configuration = json.loads(_bytes(path).decode("utf-8"))
        found = configuration["format"], configuration["kind"]
        digest, content = configuration["sha256"], configuration["content"]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{path}: not the configuration of a saved model ({type(error).__name__}: {error}); it "
            "may be truncated: copy or save the model again"
        ) from error
    if found != (FORMAT, kind):
        raise ModelFileError(
            f"{path}: holds a {found[1]} of format {found[0]}; {kind}.load reads a {kind} of "
            f"format {FORMAT}"
        )
    _check_digest(path, _text(content).encode(), digest)
    return _restored(content, Path(folder))


def _plain(value, files):
    """Return a value as JSON has it, bytes put into `files` by name."""
    if isinstance(value, bytes):
        name = f"weights{len(files)}.safetensors"
        files[name] = value
        return {"file": name, "sha256": _digest(value)}
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "array": _plain(value.tolist(), files)}
    if isinstance(value, np.generic):
        return _plain(value.item(), files)
    if isinstance(value, dict):  # as pairs: the keys of JSON's objects are strings only
        return {"pairs": [[_plain(each, files) for each in pair] for pair in value.items()]}
    if isinstance(value, list | tuple):
        return [_plain(each, files) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r}, a {type(value).__name__}, cannot be saved in {CONFIGURATION}")


def _restored(value, folder):
    if isinstance(value, list):
        return [_restored(each, folder) for each in value]
    if not isinstance(value, dict):
        return value
    if "file" in value:
        # The name alone: a configuration cannot point out of its folder.
        path = folder / Path(value["file"]).name
        data = _bytes(path)
        _check_digest(path, data, value["sha256"])
        return data
    if "array" in value:
        return np.array(_restored(value["array"], folder), dtype=value["dtype"])
    return dict(_restored(value["pairs"], folder))


def _text(content):
    return json.dumps(content, indent=1, sort_keys=True)


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _check_digest(path, data, digest):
    if _digest(data) != digest:
        raise ModelFileError(
            f"{path}: not what was saved: truncated, altered, or of another model; copy or save "
            "the whole folder again"
        )


def _bytes(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror}); a saved model is a folder with "
            f"{CONFIGURATION} and its weights"
        ) from error
