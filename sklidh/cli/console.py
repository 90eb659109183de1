"""What commands print: tables, files written, each warning once, and errors as one message."""

import json
import os
import shlex
import sys
import warnings
from contextlib import contextmanager
from functools import partial

import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from sklidh.images import ImageWarning
from sklidh.results import PlaceError
from sklidh.utils import CohortError, SchedulerError, UserError, grouped, ignore_joblib

USAGE_ERRORS = (typer.BadParameter, PlaceError, SchedulerError)

# What the user can correct, such as a full disk or a learning rate. Anything else is a bug, and its
# traceback is what a report of it needs.
MENDABLE = (UserError, OSError, FloatingPointError, *USAGE_ERRORS)

FAILED, USAGE, INTERRUPTED = 1, 2, 130
"""Exit statuses of a command: a mendable error or `problems`; the command line; Ctrl-C."""

BEGINNING = 80
"""Number of characters of a warning that a later line quotes."""

WIDEST = 1000
"""Number of characters that no table of figures reaches."""


class SteadyConsole(Console):
    """A console that survives a closed pipe, so that ``sklidh run ... | head -1`` completes."""

    warned = {}
    """The first warning of each kind so far, and the number of warnings of that kind."""

    def on_broken_pipe(self):
        """Print nothing more; rich would end the command."""
        self.quiet = True
        discard(sys.stderr if self.stderr else sys.stdout)


def discard(stream):
    """Discard everything written to a stream from now on, including Python's final flush."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


console = SteadyConsole()
errors = SteadyConsole(stderr=True)


@contextmanager
def clear_errors():
    """Print an error that the user can correct as its message alone, and exit with status 1."""
    try:
        yield
    except MENDABLE as error:
        print_error(error)
        raise typer.Exit(USAGE if isinstance(error, USAGE_ERRORS) else FAILED) from None
    except ImportError as error:
        # Python's own errors name the module; those of sklidh state what to install.
        if error.name is not None:
            raise
        print_error(error)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        # What libraries warn of while they stop is of no use.
        warnings.simplefilter("ignore")
        errors.print(
            "\n[bold]Interrupted.[/] Registered images, radiomics and splits that were finished "
            "are kept. To continue:",
            soft_wrap=True,
        )
        errors.print(f"  {shlex.join(['sklidh', *sys.argv[1:]])}", markup=False, soft_wrap=True)
        sys.exit(INTERRUPTED)


@contextmanager
def silenced(silent: bool):
    """Print only warnings and errors inside the block, if asked to."""
    before, console.quiet = console.quiet, silent
    try:
        yield
    finally:
        console.quiet = before


def verbosity() -> int:
    """Return 1 where progress bars are wanted."""
    return 0 if console.quiet else 1


@contextmanager
def warnings_once():
    """Print each kind of warning once, without its line of code, and how many more there were.

    Folds and sequences repeat a warning with other numbers. All warnings about images are printed.
    """
    console.warned = counts = {}

    def show_once(message, category, file, line, *_):
        kind = str(message) if issubclass(category, ImageWarning) else (category, file, line)
        text, count = counts.get(kind, (str(message), 0))
        counts[kind] = (text, count + 1)
        if count == 0:
            warn(text)

    with warnings.catch_warnings():
        # By default Python would report a line of code only once.
        warnings.simplefilter("always")
        for silent in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", silent)
        ignore_joblib()
        warnings.showwarning = show_once
        yield counts
    for kind, (text, count) in counts.items():
        if count > 1 and not isinstance(kind, str):
            warn(f'{count - 1} more like "{text[:BEGINNING]} ..."')


def warning_lines(counts: dict) -> list[str]:
    """Return the warnings of `warnings_once` for a report, each with how often it came."""
    return [
        f"{text} ({count - 1} more like this)" if count > 1 else text
        for text, count in counts.values()
    ]


def print_table(title: str | None, headings, rows, *, text=1):
    """Print a table at its full width: a narrow terminal wraps its lines and cuts nothing off.

    The first `text` columns hold words, the others figures; cells are str or rich's Text.
    """
    grid = Table(title=title, title_justify="left", title_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="left" if place < text else "right", no_wrap=True)
    for cells in rows:
        grid.add_row(*(each if isinstance(each, Text) else escape(str(each)) for each in cells))
    unbounded = console.options.update(max_width=WIDEST)
    needed = Measurement.get(console, unbounded, grid).maximum
    # A console cuts off lines wider than itself.
    SteadyConsole(width=max(needed, console.width), quiet=console.quiet).print(grid)


def print_models(table, *, title: str):
    """Print the paper's Table I, one row per model."""
    figures = ["AUC", "AUC low", "AUC high", "Accuracy", "Precision", "Recall", "F1"]
    shown = table[figures].map("{:.2f}".format)
    shown["AUC low"] += "-" + shown.pop("AUC high")
    # The paper's own short headings: the table fits a terminal of 80 columns.
    print_table(title, ("Model", "AUC", "95 % CI", "Acc", "Pre", "Rec", "F1"), shown.itertuples())


def print_json(content: dict):
    """Print one JSON object, for the next program."""
    try:
        print(json.dumps(content, indent=2, default=str), flush=True)
    except BrokenPipeError:
        discard(sys.stdout)


def say(text: str, style: str | None = None):
    """Print a line, which the terminal wraps; brackets in it are not markup."""
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def complain(text: str, label: str):
    """Print a line on the standard error, after a label in rich's markup."""
    errors.print(f"{label} {escape(text)}", highlight=False, soft_wrap=True)


note = partial(complain, label="[cyan]Note:[/]")
warn = partial(complain, label="[yellow]Warning:[/]")


def refusal(error, text: str) -> str:
    """Return the text of a usage error with the value seen, and without pydantic's own words."""
    # Typer's older releases word these errors themselves, without pydantic.
    for found in getattr(error.__cause__, "errors", list)():
        reason = found["msg"].removeprefix("Value error, ").partition(", unable")[0]
        reason = reason.replace("Input should be", f"{found['input']!r} is not")
        text = text.replace(found["msg"], reason)
    return text


def print_error(error, ctx=None):
    """Print an error, with all problems of a cohort, and the command that shows the help."""
    text = str(error)
    if isinstance(error, CohortError):
        lines = (f"  - {line}" for line in grouped(error.problems))
        text = "\n".join([f"{error.source} has problems:", *lines])
    complain(text, "[bold red]Error:[/]")
    if ctx is not None:
        complain(f"{ctx.command_path} --help", "Try:")
