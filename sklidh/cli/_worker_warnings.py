"""What is warned of on a dask worker is told where the command was given."""

import pickle
import warnings

from distributed import WorkerPlugin


class ForwardWarnings(WorkerPlugin):
    """Hand a worker's warnings to the client, which gives them out as its own.

    scikit-learn spreads its own loops too, over modalities and folds, and what is warned of there
    would be found in the worker's log only.
    """

    name = "sklidh-warnings"

    def setup(self, worker):
        """Take the place of what prints warnings.

        Parameters
        ----------
        worker : distributed.Worker
        """

        def forward(message, category, *_, **__):
            # As distributed.warn does; every client listens to these events.
            told = {"message": pickle.dumps(str(message)), "category": pickle.dumps(category)}
            worker.log_event("warn", told)

        self.before, warnings.showwarning = warnings.showwarning, forward

    def teardown(self, worker):
        """Give the place back.

        Parameters
        ----------
        worker : distributed.Worker
        """
        warnings.showwarning = self.before
