"""The commands of `sklidh`."""

from sklidh.cli import _judging  # noqa: F401  registers its commands
from sklidh.cli._app import app

__all__ = ["app"]
