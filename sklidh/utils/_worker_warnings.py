"""Forward warnings from dask workers to the client."""

import pickle
import warnings

from distributed import WorkerPlugin

TOPIC = "sklidh-warnings"


class ForwardWarnings(WorkerPlugin):
    """Send a worker's warnings to the client, which re-issues them.

    scikit-learn also distributes its own loops over modalities and folds; their warnings would
    otherwise appear only in the workers' logs.
    """

    name = TOPIC

    def setup(self, worker):
        """Replace the function that prints warnings.

        Parameters
        ----------
        worker : distributed.Worker
        """

        def forward(message, category, file, line, *_):
            warning = (str(message), category, file, line)
            # distributed.warn would drop the file and line.
            worker.log_event(TOPIC, pickle.dumps(warning))

        self.before, warnings.showwarning = warnings.showwarning, forward

    def teardown(self, worker):
        """Restore the function that prints warnings.

        Parameters
        ----------
        worker : distributed.Worker
        """
        warnings.showwarning = self.before


def warn_here(event):
    """Re-issue a worker's warning with its original file and line.

    Parameters
    ----------
    event : (float, bytes)
        Time, and the warning sent by `ForwardWarnings`.
    """
    _, warning = event
    warnings.warn_explicit(*pickle.loads(warning))
