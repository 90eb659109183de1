"""What goes wrong with a model's file."""


class ModelFileError(ValueError):
    """A file that is no model, or none that may be loaded here; the message says what to do."""
