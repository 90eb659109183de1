"""Save and load a trained estimator as a folder of JSON and safetensors files, without code."""

import hashlib
import json
from pathlib import Path

import numpy as np

from sklidh.utils import ModelFileError, atomic_write

FORMAT = 2
CONFIGURATION = "model.json"


def write_model(folder, kind, state):
    """Write an estimator's state, replacing an existing one.

    Parameters
    ----------
    folder : str or path
        Folder to write to; created if missing.
    kind : str
        Class name of the estimator.
    state : dict
        May contain None, numbers, strings, arrays, lists, tuples and dicts, and bytes in the
        safetensors format, each of which becomes a file.

    Raises
    ------
    TypeError
        The state contains another type.
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
    """Read a folder written by `write_model`, without executing any code from it.

    Parameters
    ----------
    folder : str or path
    kind : str

    Returns
    -------
    dict
        The state; tuples become lists.

    Raises
    ------
    ModelFileError
        A file is missing, truncated or altered, or has another kind or a newer format.
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
            f"{path}: contains a {found[1]} of format {found[0]}; {kind}.load reads a {kind} of "
            f"format {FORMAT}"
        )
    _check_digest(path, _text(content).encode(), digest)
    return _restored(content, Path(folder))


def _plain(value, files):
    """Convert a value for JSON; bytes are added to `files` by name."""
    if isinstance(value, bytes):
        name = f"weights{len(files)}.safetensors"
        files[name] = value
        return {"file": name, "sha256": _digest(value)}
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "array": _plain(value.tolist(), files)}
    if isinstance(value, np.generic):
        return _plain(value.item(), files)
    if isinstance(value, dict):  # as pairs, because JSON keys are strings
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
        # Only the name is used, so that a configuration cannot refer to files outside its folder.
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
            f"{path}: does not match the saved model: it was truncated or altered, or belongs to "
            "another model; copy or save the whole folder again"
        )


def _bytes(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror}); a saved model is a folder with "
            f"{CONFIGURATION} and its weights"
        ) from error
