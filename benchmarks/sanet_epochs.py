"""How the out-of-fold AUC depends on the epochs: ``python benchmarks/sanet_epochs.py RESULTS``.

One network per modality, fold and seed is trained for the largest number of epochs; after some of
them a copy, its normalisations averaged as at the end of a training, predicts the held-out
patients. A constant learning rate makes every epoch the end of a shorter training. The modalities'
probabilities are averaged as `SANetClassifier` does, several seeds are an ensemble, and several
slices or planes per patient are more images and more steps per epoch.

RESULTS is a file of one line per trained network: a run that was interrupted continues where it
stopped, and a run with more seeds adds to it. ``--print`` shows the table without training.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from copy import deepcopy
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from skorch.callbacks import Callback

from sklidh.datasets import load_cohort, make_glioma_phantoms
from sklidh.evaluation import auc_interval
from sklidh.features._sanet_slices import cut_slices, patient_means
from sklidh.nn import SAN
from sklidh.nn._training import average_normalisations, train

SHOWN = (1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 60)


class Snapshots(Callback):
    """Predict held-out images after some epochs, as if the training had ended there."""

    def __init__(self, images):
        self.images, self.probabilities = images, {}

    def on_epoch_end(self, net, dataset_train=None, **_):
        """Predict with a copy of the network."""
        if len(net.history) not in SHOWN:
            return
        module = deepcopy(net.module_)
        average_normalisations(module, net.get_iterator(dataset_train, training=True))
        with torch.inference_mode():
            logits = torch.cat([module.eval()(part) for part in self.images.split(net.batch_size)])
        self.probabilities[len(net.history)] = softmax(logits.double().numpy(), axis=1)[:, 1:]


def phantoms(folder, options):
    X, y = make_glioma_phantoms(
        folder, options.patients, size=48, misalignment=(0, 0), random_state=0
    )
    return X[["T1CE", "FLAIR", "mask"]], y


def real(folders):
    tables, labels = zip(
        *(load_cohort(Path(folder) / "cases.csv", missing="nan") for folder in folders),
        strict=True,
    )
    X, y = pd.concat(tables)[["T1", "FLAIR", "mask"]], pd.concat(labels)
    complete = X.notna().all(axis=1)
    return X[complete], y[complete]


def train_one(images, patients, y, held_out, seed, n_epochs):
    """Return the probabilities of held-out patients after each of the epochs shown."""
    unseen = np.isin(patients, held_out)
    snapshots = Snapshots(torch.from_numpy(images[unseen]))
    train(
        SAN,
        images[~unseen],
        y[patients[~unseen]],
        max_epochs=n_epochs,
        lr=1e-4,
        batch_size=16,
        callbacks=[snapshots],
        seed=seed,
    )
    places = np.searchsorted(held_out, patients[unseen])
    return {
        epoch: patient_means(each, places, len(held_out))[:, 0].tolist()
        for epoch, each in snapshots.probabilities.items()
    }


def run(name, X, y, options):
    """Train what RESULTS lacks."""
    slices = f"{options.slices} {' '.join(options.planes)}"
    done = {tuple(each["key"]) for each in read(options.results)}
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for modality in X.columns.drop("mask"):
        images, patients, _ = cut_slices(
            X[[modality, "mask"]], size=options.size, n_slices=options.slices,
            planes=options.planes, label=None,
        )  # fmt: skip
        for seed, (fold, (_, held_out)) in product(options.seeds, enumerate(folds.split(X, y))):
            key = name, slices, modality, seed, fold
            if key in done:
                continue
            found = train_one(images, patients, y.to_numpy(), held_out, seed, options.epochs)
            line = {"key": key, "rows": held_out.tolist(), "y": y.iloc[held_out].tolist()}
            with options.results.open("a") as file:
                file.write(json.dumps(line | {"probabilities": found}) + "\n")
            print(*key, flush=True)


def read(results):
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text().splitlines()]


def tabulate(results):
    """Print AUC and log loss per cohort, slices and epochs; single networks and their mean."""
    pooled, labels = defaultdict(dict), {}
    for each in read(results):
        name, slices, modality, seed, _ = each["key"]
        labels.setdefault(name, {}).update(zip(each["rows"], each["y"], strict=True))
        for epoch, values in each["probabilities"].items():
            column = pooled[name, slices, int(epoch)].setdefault((modality, seed), {})
            column.update(zip(each["rows"], values, strict=True))
    for (name, slices, epoch), columns in pooled.items():
        y = pd.Series(labels[name]).sort_index()
        table = pd.DataFrame(columns).reindex(y.index).dropna(axis=1)
        if table.empty:
            continue
        seeds = table.T.groupby(level=1).mean().T
        aucs = [roc_auc_score(y, seeds[seed]) for seed in seeds]
        losses = [log_loss(y, seeds[seed]) for seed in seeds]
        mean = seeds.mean(axis=1)
        low, high = auc_interval(y, mean)
        print(
            f"{name:9} slices {slices} epochs {epoch:3}   one network: AUC {np.mean(aucs):.3f} "
            f"({min(aucs):.2f}-{max(aucs):.2f}) log loss {np.mean(losses):.3f}   mean of "
            f"{len(aucs)}: AUC {roc_auc_score(y, mean):.3f} [{low:.2f}, {high:.2f}] log loss "
            f"{log_loss(y, mean):.3f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="file to write, and to continue")
    parser.add_argument("--data", nargs="*", default=[], help="folders that hold cases.csv")
    parser.add_argument("--patients", type=int, default=60, help="phantoms; 0 leaves them out")
    parser.add_argument("--size", type=int, default=40, help="side of the slices, pixels")
    parser.add_argument("--slices", type=int, default=1, help="per patient and plane")
    parser.add_argument("--planes", nargs="*", default=["axial"])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--print", action="store_true", help="show the table, train nothing")
    options = parser.parse_args()
    if not options.print:
        with tempfile.TemporaryDirectory() as folder:
            cohorts = {"phantoms": phantoms(folder, options)} if options.patients else {}
            if options.data:
                cohorts["real"] = real(options.data)
            for name, (X, y) in cohorts.items():
                run(name, X, y, options)
    tabulate(options.results)


if __name__ == "__main__":
    main()
