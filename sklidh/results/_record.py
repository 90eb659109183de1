"""The record beside results: options, inputs and files of a run, and how another would differ."""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

import yaml

from sklidh.utils import UserError, fingerprint

RUN = "run.yaml"
"""Name of the record in a folder of results: the options, as ``--config`` reads them, and what was
made with them. Written last and deleted first: a folder that has it has complete results."""

WITHOUT_EFFECT = ("out", "jobs", "scheduler")
"""Options on which no result depends: runs that differ only in these are the same run."""

REWRITTEN = "check"
"""Command whose own page is always replaced, because it follows every change of the table."""

OF_THE_RECORD = ("command", "inputs", "found", "files", "report")
"""Keys of a record that are not options. ``report`` holds what only the report needs."""


class PlaceError(UserError, ValueError):
    """A place where results cannot be written, or hold those of another run."""


def record_path(out: Path, *, is_file: bool) -> Path:
    """Return the path of the record: in a folder of results, or beside a single file."""
    return out.with_name(f"{out.name}.{RUN}") if is_file else out / RUN


def inputs_of(options: Mapping) -> dict[str, Path]:
    """Return the options that name inputs: those with absolute paths, except ``--out``."""
    return {
        name: Path(value)
        for name, value in options.items()
        if name != "out" and isinstance(value, str) and os.path.isabs(value)
    }


def record_of(command: str, options: Mapping) -> dict:
    """Return what is known of a run before it begins: command, options and ``inputs``.

    The inputs are digests of the files that are read; a folder of images has none, because reading
    all of them would take too long.
    """
    files = {name: path for name, path in inputs_of(options).items() if path.is_file()}
    digests = {name: fingerprint(path) for name, path in files.items()}
    return {"command": command, **options, "inputs": digests}


def read_record(path: Path) -> dict:
    """Return the record at a path; empty if there is none, or none that can be read."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def record_text(record: Mapping, name: str) -> str:
    """Return a record as YAML that ``--config`` reads from the file `name`.

    The command and its options come first; results that Python code wrote have none.
    """
    from sklidh import __version__

    header = f"# sklidh {__version__}."
    if "command" in record:
        header += f" To rerun: {shlex.join(['sklidh', record['command'], '--config', name])}"
    # Tuples and numpy's numbers, which YAML would refuse, become JSON's lists and numbers.
    plain = json.loads(json.dumps(record))
    return f"{header}\n{yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)}"


def refuse_another_run(out: Path, before: Mapping, this: Mapping):
    """Raise a PlaceError unless two records have the same command, options and inputs.

    `before` is the record of the results in place, empty if there is none.
    """
    remedy = "name another place, or replace it with --overwrite"
    if "command" not in before:
        raise PlaceError(f"--out {out}: already exists and was not written by sklidh; {remedy}")
    if before["command"] == this["command"] == REWRITTEN:
        return
    names = [*dict.fromkeys([*this, *before])]
    names = [name for name in names if name not in (*WITHOUT_EFFECT, *OF_THE_RECORD)]
    differs = [
        f"{name} {_shown(before.get(name))} there, {_shown(this.get(name))} here"
        for name in names
        if before.get(name) != this.get(name)
    ]
    if before["command"] != this["command"]:
        differs = [f"sklidh {before['command']} there, sklidh {this['command']} here"]
    # An input under another name is listed above.
    differs += [
        f"the content of {name} has changed"
        for name, digest in this["inputs"].items()
        if not differs and before.get("inputs", {}).get(name) != digest
    ]
    if differs:
        raise PlaceError(
            f"--out {out}: holds the results of another run ({'; '.join(differs)}); {remedy}"
        )


def _shown(value) -> str:
    return "not given" if value in (None, "") else str(value)
