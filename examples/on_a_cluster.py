"""
On a cluster
============

Distribute the work over several machines with joblib's dask backend, without other changes.
"""

# %%
# A cluster on this machine
# -------------------------
# Here, ``LocalCluster`` starts two workers. For your own machines, leave it out and pass the
# address of the scheduler, ``Client("tcp://scheduler:8786")``. Each worker reads the images itself,
# so paths must lead to the same files on all machines; only settings are sent to the workers, and
# only features are returned.
#
# The workers are separate processes that import this script, so the work is placed below
# ``if __name__``. ``timeout``, in seconds, limits the wait for a worker that keeps dying.

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

    serial = RadiomicsExtractor("paper", cache=False).fit_transform(images)
    pd.testing.assert_frame_equal(table, serial, check_exact=True)
    print(f"{table.shape[0]} patients, {table.shape[1]} features, bit-identical without a cluster")

# %%
# The tasks of each worker over time; each bar is a patient. The first task takes longer, because
# the worker loads its code.

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
