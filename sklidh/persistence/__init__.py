"""Fitted models on disk: saved without code, loaded without executing any."""

from sklidh.persistence._model_file import load_model, read_about, save_model
from sklidh.persistence._trust import ModelFileError

__all__ = ["ModelFileError", "load_model", "read_about", "save_model"]
