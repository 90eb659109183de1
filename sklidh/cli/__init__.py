"""The command `sklidh`."""

from sklidh.cli._app import app

__all__ = ["app"]
