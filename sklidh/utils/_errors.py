"""Errors that a user can correct."""


class UserError(Exception):
    """Base of the errors that a user can correct; their messages state the remedy."""


class ModelFileError(UserError, ValueError):
    """A file is not a model or must not be loaded here."""


class ResultsError(UserError, ValueError):
    """A folder does not contain the results of a run."""


class WorkerDiedError(UserError, RuntimeError):
    """A worker process died; the message states which results are kept."""
