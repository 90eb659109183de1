"""The command line: `app` is what ``sklidh`` runs."""

from sklidh.cli import commands  # noqa: F401  registers them, in the order of the help
from sklidh.cli.command import app

__all__ = ["app"]
