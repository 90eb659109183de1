"""The command line: `app` is what ``sklidh`` runs."""

from sklidh.cli import commands
from sklidh.cli.command import app

__all__ = ["app"]
