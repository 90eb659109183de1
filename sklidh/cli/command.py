"""What every command has: --config, --quiet and --json, groups of options, clear errors."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from copy import copy
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, get_args, get_type_hints

import typer
from typer.core import TyperGroup

from sklidh.cli.console import (
    FAILED,
    INTERRUPTED,
    clear_errors,
    console,
    print_error,
    print_json,
    silenced,
)
from sklidh.cli.scheduler import on_scheduler
from sklidh.cli.settings import read_config
from sklidh.radiomics import announced_once
from sklidh.results import claimed, record_path

START, PREDICT, EVALUATE, MACHINE = "Start", "Train and predict", "Evaluate", "This machine"
"""Groups of commands in the help."""

EVERY = "Every command"
KEYWORD = inspect.Parameter.KEYWORD_ONLY

Config = Annotated[
    Path | None,
    typer.Option(
        callback=read_config,
        is_eager=True,
        help="YAML file of options, such as 'quiet: true'; command-line options take precedence.",
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
        help="Overwrite existing results in --out; files from the previous run are deleted.",
        rich_help_panel=EVERY,
    ),
]
OVERWRITE = inspect.Parameter("overwrite", KEYWORD, default=False, annotation=Overwrite)
COMMON = (
    inspect.Parameter("config", KEYWORD, default=None, annotation=Config),
    inspect.Parameter("quiet", KEYWORD, default=False, annotation=Quiet),
    inspect.Parameter("as_json", KEYWORD, default=False, annotation=Json),
)


class Commands(TyperGroup):
    """All commands; errors in the command line look like all other errors of a command."""

    def main(self, *args, standalone_mode=True, **options):
        """Run a command, and exit with its status."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **options)
        try:
            status = super().main(*args, standalone_mode=False, **options)
        except typer.Abort:
            status = INTERRUPTED
        # Usage errors of the library inside Typer, which exports no common class for them.
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            if error.__class__.__name__ == "NoArgsIsHelpError":
                error.show()
                sys.exit(error.exit_code)
            print_error(error.format_message(), getattr(error, "ctx", None))
            status = error.exit_code
        sys.exit(status if isinstance(status, int) else 0)


app = typer.Typer(
    cls=Commands,
    help="Predict a glioma's IDH mutation from four MR sequences (Shi et al. 2023).",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(asked: bool):
    """Print the version and end."""
    if asked:
        from sklidh import __version__

        console.print(f"sklidh {__version__}", highlight=False)
        raise typer.Exit


EXAMPLES = (
    "sklidh demo",
    "sklidh check cases.csv",
    "sklidh run cases.csv --groups T1+T1CE,T2+FLAIR",
    "sklidh train cases.csv --out idh.skops",
    "sklidh predict idh.skops new-cases.csv",
)


@app.callback(epilog="Examples:\n\n" + "\n\n".join(f"[bold]{line}[/]" for line in EXAMPLES))
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
):
    """Predict a glioma's IDH mutation from four MR sequences (Shi et al. 2023).

    Exit status: 0 done, 1 an error or a problem found, 2 wrong options, 130 interrupted.
    """


def command(*examples: str, panel: str, helps: Mapping[str, str] | None = None) -> Callable:
    """Register a function as a command, with the common options and clear errors.

    Parameters
    ----------
    *examples : str
        Command lines, shown below the help.
    panel : str
        The group of commands in ``sklidh --help``.
    helps : dict of str to str, default=None
        What the help says of an option of a group where it means something else for this command.

    Returns
    -------
    callable
        A decorator. A parameter of the function that is a group of options, such as
        `options.Cohort`, stands for the options in it; its default, if there is one, for theirs.
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
            if "out" in options and not quiet and not as_json:
                console.print(
                    f"Settings saved to: {record_path(options['out'], is_file=is_file(function))}",
                    highlight=False,
                    soft_wrap=True,
                )
            if as_json:
                print_json({"settings": settings} | result)
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
        epilog = f"{heading}:\n\n{lines}"
        app.command(help=unwrapped(function), epilog=epilog, rich_help_panel=panel)(run)
        return function

    return register


def unwrapped(function) -> str:
    """Return a docstring with one line per paragraph, which the terminal wraps."""
    paragraphs = inspect.getdoc(function).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def ungrouped(function) -> list[inspect.Parameter]:
    """Return a command's options one by one.

    Parameters
    ----------
    function : callable
        Some of its parameters are groups of options: dataclasses.
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
    """Return an option with another help text, if there is one."""
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


def is_file(function) -> bool:
    """Whether the results of a command are one file: its default has a suffix."""
    return bool(Path(inspect.signature(function).parameters["out"].default).suffix)


def place(command: str, function, options: dict, overwrite: bool):
    """Return the context in which a command may write to its ``--out``, if it has one."""
    if "out" not in options:
        return nullcontext({})
    named = {name.replace("_", "-"): value for name, value in plain(options).items()}
    return claimed(
        options["out"],
        is_file=is_file(function),
        command=command,
        options=named,
        overwrite=overwrite,
    )


def plain(options: dict) -> dict:
    """Return options as JSON and YAML hold them, with absolute paths."""
    return {name: plain_value(value) for name, value in options.items()}


def plain_value(value):
    """Return one option's value as written on the command line, with absolute paths."""
    if isinstance(value, Path):
        return str(value.absolute())
    return value if value is None or isinstance(value, str | int | float) else str(value)
