"""What all commands share: --config, --quiet, --json, groups of options and clear errors."""

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
from sklidh.cli.settings import read_config
from sklidh.radiomics import announced_once
from sklidh.results import claimed, record_path
from sklidh.utils import on_scheduler

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
        except Exception as error:
            # Typer exports no common class of usage errors.
            if not hasattr(error, "format_message"):
                raise
            status = error.exit_code
            if type(error).__name__ == "NoArgsIsHelpError":
                error.show()
            else:
                text = console.refusal(error, error.format_message())
                console.print_error(text, getattr(error, "ctx", None))
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


def examples_of(*lines: str) -> str:
    """Return examples as the end of a help text."""
    shown = "\n\n".join(f"[bold]{line}[/]" for line in lines)
    return f"Example{'s' * (len(lines) > 1)}:\n\n{shown}"


FIRST_STEPS = examples_of(
    "sklidh demo",
    "sklidh check cases.csv",
    "sklidh run cases.csv --groups T1+T1CE,T2+FLAIR",
    "sklidh train cases.csv --out idh.skops",
    "sklidh predict idh.skops new-cases.csv",
)


@app.callback(epilog=FIRST_STEPS)
def main(
    version: Annotated[
        bool, option("Show the version.", "--version", callback=show_version, is_eager=True)
    ] = False,
):
    """Predict a glioma's IDH mutation from four MR sequences (Shi et al. 2023).

    Exit status: 0 done, 1 an error or a problem found, 2 wrong options, 130 interrupted.
    """


def command(*examples: str, panel: str, helps: Mapping[str, str] | None = None) -> Callable:
    """Register a function as a command, with the common options, clear errors and `examples`.

    A parameter that is a group of options, such as `options.Cohort`, stands for these options, and
    its default for theirs. `helps` replaces help texts of shared options. The function returns the
    content of ``--json``: the ``files`` that were written and what was ``found`` where an option
    was empty go into the record, and ``problems`` make the exit status 1.
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
        single = [context, *ungrouped([*own, extra], helps or {})]
        run.__signature__ = inspect.Signature(single)
        run.__annotations__ = {each.name: each.annotation for each in single}
        run.__name__ = function.__name__
        # One line per paragraph, which the terminal wraps.
        paragraphs = inspect.getdoc(function).split("\n\n")
        help_text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        app.command(help=help_text, epilog=examples_of(*examples), rich_help_panel=panel)(run)
        return function

    return register


def execute(name: str, function, options: dict, default: Path | None, common: Common):
    """Run a command, print its errors and warnings in one style, and write its record."""
    silent, started = common.quiet or common.as_json, time.perf_counter()
    settings = plain(options)
    with console.clear_errors(), console.silenced(silent), announced_once():
        place = nullcontext({})
        # The results of a command are one file if their default has a suffix.
        is_file = default is not None and bool(default.suffix)
        if default is not None:
            how = {"is_file": is_file, "command": name, "overwrite": common.overwrite}
            named = {key.replace("_", "-"): value for key, value in settings.items()}
            place = claimed(options["out"], options=named, **how)
        address = options.get("scheduler", "")
        with place as outcome, on_scheduler(address) as client, console.warnings_once():
            if client is not None:
                threads = client.nthreads()
                console.say(f"{len(threads)} workers, {sum(threads.values())} threads at {address}")
            result = function()
            files = result.get("files", {})
            outcome["files"] = [*files.values()]
            outcome |= {"found": result["found"]} if "found" in result else {}
        if files:
            console.say(f"\nFinished in {time.perf_counter() - started:.0f} s. Files written:")
        # The report first: it is what people open.
        for what, path in sorted(files.items(), key=lambda item: item[0] != "report"):
            console.say(f"  {what:<{max(map(len, files))}}  {path}")
        if default is not None:
            console.say(f"Settings saved to: {record_path(options['out'], is_file=is_file)}")
    if common.as_json:
        console.print_json({"settings": settings} | result)
    if result.get("problems"):
        raise typer.Exit(console.FAILED)


def ungrouped(parameters, helps: Mapping) -> list[inspect.Parameter]:
    """Return the options of a function one by one, including those in its groups."""
    single = []
    for each in parameters:
        found = {each.name: (each.default, each.annotation)}
        if is_dataclass(each.annotation):
            defaults = each.annotation() if each.default is each.empty else each.default
            kinds = get_type_hints(each.annotation, include_extras=True)
            names = [field.name for field in fields(each.annotation)]
            found = {name: (getattr(defaults, name), kinds[name]) for name in names}
        for name, (default, annotation) in found.items():
            if name in helps:
                kind, information = get_args(annotation)
                information = copy(information)
                information.help = helps[name]
                annotation = Annotated[kind, information]
            kind = inspect.Parameter.KEYWORD_ONLY
            single.append(inspect.Parameter(name, kind, default=default, annotation=annotation))
    return single


def grouped(parameters, options: dict) -> dict:
    """Return the values of options as a function takes them, in groups."""
    return {
        each.name: each.annotation(**{f.name: options[f.name] for f in fields(each.annotation)})
        if is_dataclass(each.annotation)
        else options[each.name]
        for each in parameters
    }


def plain(options: dict) -> dict:
    """Return options as JSON and YAML hold them, with absolute paths."""
    absolute = {k: v.absolute() if isinstance(v, Path) else v for k, v in options.items()}
    return {
        name: value if value is None or isinstance(value, str | int | float) else str(value)
        for name, value in absolute.items()
    }
