"""What goes wrong with a model's file."""

from sklidh.utils import ModelFileError

__all__ = ["ModelFileError"]
