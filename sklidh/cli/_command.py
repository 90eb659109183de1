"""What every command has: --config, --quiet and --json, groups of options, clear errors."""

import inspect
import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from copy import copy
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, get_args, get_type_hints

import typer

from sklidh.cli._config import read_config
from sklidh.cli._output import clear_errors, silenced
from sklidh.cli._place import claimed
from sklidh.cli._scheduler import on_scheduler
from sklidh.radiomics import announced_once

FAILED = 1
"""Exit status of a command that met an error, or found `problems`. 2 is typer's, 130 Ctrl-C's."""

EVERY = "Every command"
KEYWORD = inspect.Parameter.KEYWORD_ONLY

Config = Annotated[
    Path | None,
    typer.Option(
        callback=read_config,
        is_eager=True,
        help="YAML file of options, such as 'quiet: true'; the command line goes first.",
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
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace the results of another run at --out: the files that it wrote go.",
        rich_help_panel=EVERY,
    ),
]
OVERWRITE = inspect.Parameter("overwrite", KEYWORD, default=False, annotation=Overwrite)
COMMON = (
    inspect.Parameter("config", KEYWORD, default=None, annotation=Config),
    inspect.Parameter("quiet", KEYWORD, default=False, annotation=Quiet),
    inspect.Parameter("as_json", KEYWORD, default=False, annotation=Json),
)


def command(app: typer.Typer, *examples: str, helps: Mapping[str, str] | None = None) -> Callable:
    """Make a function a command: it gets the options that all have, and its errors are clear.

    Parameters
    ----------
    app : typer.Typer
    *examples : str
        Command lines, shown below the help.
    helps : dict of str to str, default=None
        What the help says of an option of a group where it means something else for this command.

    Returns
    -------
    callable
        A decorator. A parameter of the function that is a group of options, such as
        `_options.Cohort`, stands for the options in it; its default, if there is one, for theirs.
        The function returns what ``--json`` prints, a dict: ``files`` that were written and what
        was ``found`` where an option left it open go into the record beside the results, and a list
        of ``problems`` makes the exit status 1.
    """

    def register(function):
        @wraps(function)
        def run(ctx, config, quiet, as_json, overwrite=False, **options):
            settings = plain(options)
            with (
                clear_errors(),
                silenced(quiet or as_json),
                announced_once(),
                place(ctx.info_name, function, options, overwrite) as outcome,
                on_scheduler(options.get("scheduler", "")),
            ):
                result = function(**grouped(function, options))
                outcome["files"] = [*result.get("files", {}).values()]
                if "found" in result:
                    outcome["found"] = result["found"]
            if as_json:
                print(json.dumps({"settings": settings} | result, indent=2, default=str))
            if result.get("problems"):
                raise typer.Exit(FAILED)

        context = inspect.Parameter("ctx", KEYWORD, annotation=typer.Context)
        single = [worded(each, (helps or {}).get(each.name)) for each in ungrouped(function)]
        own = (context, *single, *COMMON)
        if "out" in inspect.signature(function).parameters:
            own = (*own, OVERWRITE)
        run.__signature__ = inspect.Signature(own)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
        del run.__wrapped__
        lines = "\n\n".join(f"[bold]{example}[/]" for example in examples)
        heading = "Examples" if len(examples) > 1 else "Example"
        app.command(help=unwrapped(function), epilog=f"{heading}:\n\n{lines}")(run)
        return function

    return register


def unwrapped(function) -> str:
    """Return a docstring's paragraphs, a line each: where a line ends the terminal's width says."""
    paragraphs = inspect.getdoc(function).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


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


def worded(option: inspect.Parameter, text: str | None) -> inspect.Parameter:
    """Return an option with another help, where there is one."""
    if text is None:
        return option
    kind, information = get_args(option.annotation)
    information = copy(information)
    information.help = text
    return option.replace(annotation=Annotated[kind, information])


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


def place(command: str, function, options: dict, overwrite: bool):
    """Return the context in which a command may write to its ``--out``, if it has one."""
    if "out" not in options:
        return nullcontext({})
    # A default with a suffix is a file's.
    default = Path(inspect.signature(function).parameters["out"].default)
    named = {name.replace("_", "-"): value for name, value in plain(options).items()}
    return claimed(
        options["out"],
        is_file=bool(default.suffix),
        command=command,
        options=named,
        overwrite=overwrite,
    )


def plain(options: dict) -> dict:
    """Return options as JSON and YAML hold them, with absolute paths."""
    return {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in options.items()
    }
