"""What every command has: --config, --quiet and --json, groups of options, clear errors."""

import inspect
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, get_type_hints

import typer

from sklidh.cli._config import read_config, save_config
from sklidh.cli._output import clear_errors, silenced
from sklidh.cli._scheduler import on_scheduler

FAILED = 1
"""Exit status of a command that met an error, or found `problems`. 2 is typer's, 130 Ctrl-C's."""

EVERY = "Every command"
KEYWORD = inspect.Parameter.KEYWORD_ONLY

Config = Annotated[
    Path | None,
    typer.Option(
        callback=read_config,
        is_eager=True,
        help="YAML file of options, such as 'slice-size: 72'; the command line goes first.",
        rich_help_panel=EVERY,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print warnings and errors only.", rich_help_panel=EVERY),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object instead.", rich_help_panel=EVERY),
]
COMMON = (
    inspect.Parameter("config", KEYWORD, default=None, annotation=Config),
    inspect.Parameter("quiet", KEYWORD, default=False, annotation=Quiet),
    inspect.Parameter("as_json", KEYWORD, default=False, annotation=Json),
)


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
        A decorator. A parameter of the function that is a group of options, such as
        `_options.Cohort`, stands for the options in it; its default, if there is one, for theirs.
        The function returns what ``--json`` prints, a dict; a list of ``problems`` in it makes the
        exit status 1.
    """

    def register(function):
        @wraps(function)
        def run(ctx, config, quiet, as_json, **options):
            with (
                clear_errors(),
                silenced(quiet or as_json),
                on_scheduler(options.get("scheduler", "")),
            ):
                if options.get("out") is not None:
                    check_out(options["out"], is_file=bool(default_out(function).suffix))
                result = function(**grouped(function, options))
                settings = _plain(options)
                if options.get("out") is not None:
                    save_config(options["out"], ctx.info_name, settings)
            if as_json:
                print(json.dumps({"settings": settings} | result, indent=2, default=str))
            if result.get("problems"):
                raise typer.Exit(FAILED)

        context = inspect.Parameter("ctx", KEYWORD, annotation=typer.Context)
        own = (context, *ungrouped(function), *COMMON)
        run.__signature__ = inspect.Signature(own)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
        del run.__wrapped__
        lines = "\n\n".join(f"[bold]{example}[/]" for example in examples)
        heading = "Examples" if len(examples) > 1 else "Example"
        app.command(epilog=f"{heading}:\n\n{lines}")(run)
        return function

    return register


def ungrouped(function) -> list[inspect.Parameter]:
    """Return a command's options one by one.

    Parameters
    ----------
    function : callable
        Some of its parameters are groups of options: dataclasses.

    Returns
    -------
    list of inspect.Parameter
    """
    single = []
    for parameter in inspect.signature(function).parameters.values():
        group = parameter.annotation
        if not is_dataclass(group):
            single.append(parameter.replace(kind=KEYWORD))
            continue
        defaults = group() if parameter.default is parameter.empty else parameter.default
        annotations = get_type_hints(group, include_extras=True)
        single += [
            inspect.Parameter(
                field.name,
                KEYWORD,
                default=getattr(defaults, field.name),
                annotation=annotations[field.name],
            )
            for field in fields(group)
        ]
    return single


def grouped(function, options: dict) -> dict:
    """Return the options' values as the command's function takes them, in their groups."""
    values = {}
    for parameter in inspect.signature(function).parameters.values():
        group = parameter.annotation
        values[parameter.name] = (
            group(**{field.name: options[field.name] for field in fields(group)})
            if is_dataclass(group)
            else options[parameter.name]
        )
    return values


def default_out(function) -> Path:
    """Return the default of a command's ``--out``: a name with a suffix is a file's."""
    return Path(inspect.signature(function).parameters["out"].default)


def check_out(out: Path, *, is_file: bool):
    """Refuse, before any work, a place where results cannot be written; make the folder.

    Parameters
    ----------
    out : Path
    is_file : bool
        Whether the results are one file; else a folder.
    """
    if is_file and out.is_dir():
        raise typer.BadParameter(f"--out {out}: is a folder; name a file in it")
    if not is_file and out.exists() and not out.is_dir():
        raise typer.BadParameter(f"--out {out}: is a file; name a folder")
    if is_file and out.exists() and not out.is_file():
        raise typer.BadParameter(f"--out {out}: is a device or a pipe; name a file")
    folder = out.parent if is_file else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permissions do not tell: to root all seem writable, those of a read-only disk too.
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise typer.BadParameter(
            f"--out {out}: {error.strerror} ({folder}); name a place that can be written"
        ) from error


def _plain(options: dict) -> dict:
    return {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in options.items()
    }
