"""
On a cluster
============

Hundreds of patients, several machines: joblib's dask backend, and nothing else of yours changes.
"""

# %%
# A cluster on this machine
# -------------------------
# ``LocalCluster`` starts two workers here. For machines of your own, leave it out and give
# ``Client`` the address of their scheduler, ``Client("tcp://scheduler:8786")``. A worker reads the
# images for itself, so paths must lead to the same files everywhere; what travels is the settings
# and, back, the features.
#
# The workers are processes of their own, which is why the work stands below ``if __name__``: they
# import this script too. ``timeout``, in seconds, ends the wait for a worker that keeps dying.

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd
from distributed import Client, LocalCluster, get_task_stream
from joblib import parallel_config

from sklidh import RadiomicsExtractor
from sklidh.datasets import make_glioma_phantoms

if __name__ == "__main__":
    folder = TemporaryDirectory()
    X, y = make_glioma_phantoms(folder.name, n_patients=6, size=32, spacing=2.0)
    images = X[["T2", "mask"]]
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        parallel_config("dask"),
        get_task_stream(client) as stream,
    ):
        extractor = RadiomicsExtractor("paper", cache=False, n_jobs=2, timeout=600)
        table = extractor.fit_transform(images)

    alone = RadiomicsExtractor("paper", cache=False).fit_transform(images)
    pd.testing.assert_frame_equal(table, alone, check_exact=True)
    print(
        f"{table.shape[0]} patients, {table.shape[1]} features, the same bits as without a cluster"
    )

# %%
# Who did what, and when: a bar is a patient. The first of each worker takes longer, for the worker
# has to load its code.

if __name__ == "__main__":
    times = [task["startstops"][0] for task in stream.data]
    begin = min(time["start"] for time in times)
    workers = sorted({task["worker"] for task in stream.data})
    figure, ax = plt.subplots(figsize=(7, 1.8), layout="constrained")
    ax.barh(
        [f"worker {workers.index(task['worker']) + 1}" for task in stream.data],
        [time["stop"] - time["start"] for time in times],
        left=[time["start"] - begin for time in times],
        edgecolor="white",
    )
    ax.set_xlabel("seconds")
