"""Fitted models on disk: saved without code, loaded without executing any code."""

from importlib import import_module

from sklidh.utils import ModelFileError

# Loaded on first use: skops looks up all scikit-learn estimators.
_LAZY = dict.fromkeys(("load_model", "parts_of", "read_about", "save_model"), "_model_file")
_LAZY |= dict.fromkeys(("TrainedModel", "load_trained"), "_trained")

__all__ = ["ModelFileError", *_LAZY]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'sklidh.persistence' has no attribute {name!r}")
    return getattr(import_module(f"sklidh.persistence.{_LAZY[name]}"), name)


def __dir__():
    return sorted([*globals(), *_LAZY])
