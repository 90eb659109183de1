"""What is warned of on a dask worker is told where the command was given."""

import pickle
import warnings

from distributed import WorkerPlugin

TOPIC = "sklidh-warnings"


class ForwardWarnings(WorkerPlugin):
    """Hand a worker's warnings to the client, which gives them out as its own.

    scikit-learn spreads its own loops too, over modalities and folds, and what is warned of there
    would be found in the worker's log only.
    """

    name = TOPIC

    def setup(self, worker):
        """Take the place of what prints warnings.

        Parameters
        ----------
        worker : distributed.Worker
        """

        def forward(message, category, file, line, *_):
            told = (str(message), category, file, line)
            # Not as distributed.warn, which leaves out from which line it came.
            worker.log_event(TOPIC, pickle.dumps(told))

        self.before, warnings.showwarning = warnings.showwarning, forward

    def teardown(self, worker):
        """Give the place back.

        Parameters
        ----------
        worker : distributed.Worker
        """
        warnings.showwarning = self.before


def warn_here(event):
    """Warn of what a worker warned of, as if it came from the same line here.

    Parameters
    ----------
    event : (float, bytes)
        When, and what `ForwardWarnings` sent.
    """
    _, told = event
    warnings.warn_explicit(*pickle.loads(told))
