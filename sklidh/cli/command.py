"""What every command has: --config, --quiet and --json, groups of options, clear errors."""

import inspect
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, get_args, get_type_hints

import typer
from typer.core import TyperGroup

from sklidh.cli import console
from sklidh.cli.options import option
from sklidh.cli.scheduler import on_scheduler
from sklidh.cli.settings import read_config
from sklidh.radiomics import announced_once
from sklidh.results import claimed, record_path

START, PREDICT, EVALUATE, MACHINE = "Start", "Train and predict", "Evaluate", "This machine"
"""Groups of commands in the help."""

in_every = partial(option, rich_help_panel="Every command")


@dataclass(frozen=True)
class Common:
    """The options of every command."""

    config: Annotated[
        Path | None,
        in_every(
            "YAML file of options, such as 'quiet: true'; command-line options take precedence.",
            callback=read_config,
            is_eager=True,
        ),
    ] = None
    quiet: Annotated[bool, in_every("Print warnings and errors only.", "--quiet", "-q")] = False
    as_json: Annotated[bool, in_every("Print one JSON object instead.", "--json")] = False


@dataclass(frozen=True)
class CommonWithOut(Common):
    """The options of every command that writes results."""

    overwrite: Annotated[
        bool,
        in_every(
            "Overwrite existing results in --out; files from the previous run are deleted.",
            "--overwrite",
        ),
    ] = False


class Commands(TyperGroup):
    """All commands; errors in the command line look like all other errors of a command."""

    def main(self, *args, standalone_mode=True, **options):
        """Run a command, and exit with its status."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **options)
        try:
            status = super().main(*args, standalone_mode=False, **options)
        except typer.Abort:
            status = console.INTERRUPTED
        # Usage errors of the library inside Typer, which exports no common class for them.
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            if error.__class__.__name__ == "NoArgsIsHelpError":
                error.show()
                sys.exit(error.exit_code)
            console.print_error(error.format_message(), getattr(error, "ctx", None))
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

        console.say(f"sklidh {__version__}")
        raise typer.Exit


def examples_of(lines) -> str:
    """Return examples as the end of a help text."""
    shown = "\n\n".join(f"[bold]{line}[/]" for line in lines)
    return f"Example{'s' * (len(lines) > 1)}:\n\n{shown}"


EXAMPLES = (
    "sklidh demo",
    "sklidh check cases.csv",
    "sklidh run cases.csv --groups T1+T1CE,T2+FLAIR",
    "sklidh train cases.csv --out idh.skops",
    "sklidh predict idh.skops new-cases.csv",
)


@app.callback(epilog=examples_of(EXAMPLES))
def main(
    version: Annotated[
        bool, option("Show the version.", "--version", callback=show_version, is_eager=True)
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
        own = inspect.signature(function).parameters.values()
        out = next((Path(each.default) for each in own if each.name == "out"), None)
        common = Common if out is None else CommonWithOut
        extra = inspect.Parameter("common", inspect.Parameter.KEYWORD_ONLY, annotation=common)

        def run(ctx, **options):
            every = grouped([extra], options)["common"]
            options = {name: value for name, value in options.items() if not hasattr(every, name)}
            execute(ctx.info_name, partial(function, **grouped(own, options)), options, out, every)

        context = inspect.Parameter("ctx", extra.kind, annotation=typer.Context)
        single = [worded(each, (helps or {}).get(each.name)) for each in ungrouped([*own, extra])]
        run.__signature__ = inspect.Signature([context, *single])
        run.__annotations__ = {each.name: each.annotation for each in (context, *single)}
        run.__name__ = function.__name__
        # One line per paragraph, which the terminal wraps.
        paragraphs = inspect.getdoc(function).split("\n\n")
        help_text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        app.command(help=help_text, epilog=examples_of(examples), rich_help_panel=panel)(run)
        return function

    return register


def execute(name: str, function, options: dict, default: Path | None, common: Common):
    """Run a command in its place, with one look of errors and warnings, and print how it ended."""
    silent, started = common.quiet or common.as_json, time.perf_counter()
    settings = plain(options)
    with console.clear_errors(), console.silenced(silent), announced_once():
        # The results of a command are one file if their default has a suffix.
        is_file = default is not None and bool(default.suffix)
        named = {key.replace("_", "-"): value for key, value in settings.items()}
        place = nullcontext({})
        if default is not None:
            how = {"is_file": is_file, "command": name, "overwrite": common.overwrite}
            place = claimed(options["out"], options=named, **how)
        with (
            place as outcome,
            on_scheduler(options.get("scheduler", "")),
            console.warnings_once(),
        ):
            result = function()
            outcome["files"] = [*result.get("files", {}).values()]
            if "found" in result:
                outcome["found"] = result["found"]
        if files := result.get("files"):
            seconds = time.perf_counter() - started
            console.say(f"\nFinished in {seconds:.0f} s. Files written:")
            width = max(map(len, files))
            for what, path in files.items():
                console.say(f"  {what:<{width}}  {path}")
        if default is not None:
            console.say(f"Settings saved to: {record_path(options['out'], is_file=is_file)}")
    if common.as_json:
        console.print_json({"settings": settings} | result)
    if result.get("problems"):
        raise typer.Exit(console.FAILED)


def ungrouped(parameters) -> list[inspect.Parameter]:
    """Return the options of a function one by one; some of its parameters are groups of them."""
    single = []
    for parameter in parameters:
        group = parameter.annotation
        if not is_dataclass(group):
            single.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        defaults = group() if parameter.default is parameter.empty else parameter.default
        kinds = get_type_hints(group, include_extras=True)
        single += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=getattr(defaults, field.name),
                annotation=kinds[field.name],
            )
            for field in fields(group)
        ]
    return single


def grouped(parameters, options: dict) -> dict:
    """Return the options' values as a function takes them, in their groups."""
    return {
        each.name: each.annotation(**{f.name: options[f.name] for f in fields(each.annotation)})
        if is_dataclass(each.annotation)
        else options[each.name]
        for each in parameters
    }


def worded(parameter: inspect.Parameter, text: str | None) -> inspect.Parameter:
    """Return an option with another help text, if there is one."""
    if text is None:
        return parameter
    kind, information = get_args(parameter.annotation)
    information = copy(information)
    information.help = text
    return parameter.replace(annotation=Annotated[kind, information])


def plain(options: dict) -> dict:
    """Return options as JSON and YAML hold them, with absolute paths."""
    plain_types = (str, int, float, type(None))
    options = {k: v.absolute() if isinstance(v, Path) else v for k, v in options.items()}
    return {k: v if isinstance(v, plain_types) else str(v) for k, v in options.items()}
