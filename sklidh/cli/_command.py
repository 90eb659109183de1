"""What every command has: --config, --quiet and --json, the settings it ran with, clear errors."""

import inspect
import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated

import typer
import yaml

from sklidh.cli._output import clear_errors, console, silenced

NOT_SETTINGS = ("ctx", "config", "quiet", "as_json")

FAILED = 1
"""Exit status of a command that met an error, or found `problems`. 2 is typer's, 130 Ctrl-C's."""


def read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Take a configuration file's values as the defaults of the command's options.

    Parameters
    ----------
    ctx : typer.Context
    path : Path or None
        A YAML file whose keys are the command's options, without dashes in front.

    Returns
    -------
    Path or None
        The same.

    Raises
    ------
    typer.BadParameter
        The file cannot be read, is no table of options, or has a key that is none.
    """
    if path is None:
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"{path}: {error}") from error
    names = {
        parameter.name: parameter.name
        for parameter in ctx.command.params
        if parameter.name not in (*NOT_SETTINGS, "help")
    }
    given = content if isinstance(content, dict) else {}
    unknown = [key for key in given if str(key).replace("-", "_") not in names]
    if unknown or not given:
        accepted = ", ".join(name.replace("_", "-") for name in names)
        what = f"unknown {', '.join(map(str, unknown))}" if unknown else "no table of options"
        raise typer.BadParameter(f"{path}: {what}; accepted are {accepted}")
    values = {str(key).replace("-", "_"): value for key, value in given.items()}
    ctx.default_map = {key: value for key, value in values.items() if value is not None}
    return path


Config = Annotated[
    Path | None,
    typer.Option(
        callback=read_config,
        is_eager=True,
        help="YAML file of options, such as 'slice-size: 72'; the command line goes first.",
        rich_help_panel="Every command",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print warnings and errors only.", rich_help_panel="Every command"
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object instead.", rich_help_panel="Every command"),
]


def command(app: typer.Typer, *examples: str) -> Callable:
    """Make a function a command: it gets the options that all have, and its errors are clear.

    Parameters
    ----------
    app : typer.Typer
    *examples : str
        Command lines, shown below the help.

    Returns
    -------
    callable
        A decorator. The function returns what ``--json`` prints, a dict; a list of ``problems`` in
        it makes the exit status 1.
    """

    def register(function):
        @wraps(function)
        def run(ctx, config, quiet, as_json, **options):
            with clear_errors(), silenced(quiet or as_json):
                if options.get("out") is not None:
                    check_out(options["out"], is_file=bool(default_out(function).suffix))
                result = function(**options)
                settings = _plain(options)
                if options.get("out") is not None:
                    save_config(options["out"], ctx.info_name, settings)
            if as_json:
                print(json.dumps({"settings": settings} | result, indent=2, default=str))
            if result.get("problems"):
                raise typer.Exit(FAILED)

        keyword = inspect.Parameter.KEYWORD_ONLY
        common = [
            inspect.Parameter("config", keyword, default=None, annotation=Config),
            inspect.Parameter("quiet", keyword, default=False, annotation=Quiet),
            inspect.Parameter("as_json", keyword, default=False, annotation=Json),
        ]
        context = inspect.Parameter("ctx", keyword, annotation=typer.Context)
        own = inspect.signature(function).parameters.values()
        own = [parameter.replace(kind=keyword) for parameter in own]
        run.__signature__ = inspect.Signature([context, *own, *common])
        run.__annotations__ = {p.name: p.annotation for p in (context, *own, *common)}
        del run.__wrapped__
        lines = "\n\n".join(f"[bold]{example}[/]" for example in examples)
        heading = "Examples" if len(examples) > 1 else "Example"
        app.command(epilog=f"{heading}:\n\n{lines}")(run)
        return function

    return register


def default_out(function) -> Path:
    """Return the default of a command's ``--out``: a name with a suffix is a file's."""
    return Path(inspect.signature(function).parameters["out"].default)


def check_out(out: Path, *, is_file: bool):
    """Refuse, before any work, a place where results cannot be written; make the folder it is in.

    Parameters
    ----------
    out : Path
    is_file : bool
        Whether the results are one file; else a folder.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(
            f"--out {out}: {error.strerror} ({error.filename}); name a place that can be written"
        ) from error
    if is_file and out.is_dir():
        raise typer.BadParameter(f"--out {out}: is a folder; name a file in it")
    if not is_file and out.exists() and not out.is_dir():
        raise typer.BadParameter(f"--out {out}: is a file; name a folder")
    if not os.access(out if out.is_dir() else out.parent, os.W_OK):
        raise typer.BadParameter(f"--out {out}: cannot be written; name another place")


def save_config(out: Path, name: str, settings: dict) -> Path:
    """Write the settings of a finished command beside its results, as ``--config`` reads them.

    Parameters
    ----------
    out : Path
        The file or folder of the results.
    name : str
        The command.
    settings : dict

    Returns
    -------
    Path
        ``config.yaml`` in the folder, or beside a file: ``idh.config.yaml`` for ``idh.skops``.
    """
    from sklidh import __version__
    from sklidh.utils import atomic_write

    path = out / "config.yaml" if out.is_dir() else out.with_suffix(".config.yaml")
    keys = {key.replace("_", "-"): value for key, value in settings.items()}
    head = f"# sklidh {__version__}. Once more: sklidh {name} --config {path.name}\n"
    with atomic_write(path) as temporary:
        temporary.write_text(head + yaml.safe_dump(keys, sort_keys=False), encoding="utf-8")
    console.print(f"Settings of this run: {path}", highlight=False, soft_wrap=True)
    return path


def _plain(options: dict) -> dict:
    return {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in options.items()
    }
