"""Fitted models on disk: saved without code, loaded without executing any code."""

from importlib import import_module

from sklidh.utils import ModelFileError

# Loaded on first use: skops looks up all scikit-learn estimators.
_LAZY = {
    "TrainedModel": "_trained",
    "load_model": "_model_file",
    "load_trained": "_trained",
    "parts_of": "_model_file",
    "read_about": "_model_file",
    "save_model": "_model_file",
}

__all__ = [
    "ModelFileError",
    "TrainedModel",
    "load_model",
    "load_trained",
    "parts_of",
    "read_about",
    "save_model",
]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'sklidh.persistence' has no attribute {name!r}")
    return getattr(import_module(f"sklidh.persistence.{_LAZY[name]}"), name)


def __dir__():
    return sorted([*globals(), *_LAZY])
