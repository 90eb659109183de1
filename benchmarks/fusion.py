"""How much faster the grid over alpha, beta, gamma is than skorch: ``python benchmarks/fusion.py``.

366 patients, as many as the paper trains on, in 2 or 4 blocks of 12 columns; a 5 x 5 x 5 grid in 5
folds, 200 epochs in batches of 16 as in the paper; scikit-learn's and skorch's loops as a script
would write them. skorch is run on one candidate, in 5 folds, for a fifth of the epochs, and the
time multiplied up. One thread for all, and processor time, which other jobs disturb least.
``--batch-size 366`` compares full batches, this package's default.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier
from torch import nn
from torch.nn import functional

from sklidh import BatchedGridSearchCV, InvariantSpecificFusionClassifier

VALUES = [0.1, 0.3, 0.5, 0.7, 0.9]
WIDTH, FOLDS, PATIENTS = 12, 5, 366


def make_patients(n_blocks, seed=0):
    """Return blocks that share some of what tells two overlapping classes apart."""
    rng = np.random.default_rng(seed)
    y = (np.arange(PATIENTS) % 5 < 2).astype(np.int64)
    shared = rng.normal(size=(PATIENTS, 3)) + 0.6 * y[:, np.newaxis]
    X = [shared @ rng.normal(size=(3, WIDTH)) for _ in range(n_blocks)]
    X = np.hstack(X) + rng.normal(size=(PATIENTS, n_blocks * WIDTH))
    return (X - X.mean(0)) / X.std(0), y


class Network(nn.Module):
    """The paper's network as it is usually written, one layer object each."""

    def __init__(self, n_blocks=2, alpha=0.7, beta=0.7, gamma=0.7):
        super().__init__()
        self.strengths = alpha, beta, gamma
        self.project = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, 8), nn.LayerNorm(8)) for _ in range(n_blocks)
        )
        self.invariant = nn.Linear(8, 2)
        self.specific = nn.ModuleList(nn.Linear(8, 2) for _ in range(n_blocks))
        self.decode = nn.ModuleList(nn.Linear(4, 8) for _ in range(n_blocks))
        self.head = nn.Linear(4 * n_blocks, 2)

    def forward(self, X):
        """Return the logits and the three constraints."""
        u = [project(x) for project, x in zip(self.project, X.split(WIDTH, 1), strict=True)]
        shared = [self.invariant(block) for block in u]
        own = [encode(block) for encode, block in zip(self.specific, u, strict=True)]
        similarity = difference = reconstruction = 0
        for m, block in enumerate(u):
            decoded = self.decode[m](torch.cat([shared[m], own[m]], 1))
            reconstruction = reconstruction + (decoded - block).norm(dim=1).mean()
            difference = difference + (shared[m] - own[m]).norm(dim=1).mean()
            for other in range(m + 1, len(u)):
                log_p, log_q = (shared[k].log_softmax(1) for k in (m, other))
                kl = functional.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
                similarity = similarity + kl
                difference = difference + (own[m] - own[other]).norm(dim=1).mean()
        return self.head(torch.cat(shared + own, 1)), similarity, difference, reconstruction


class Classifier(NeuralNetClassifier):
    """skorch's classifier with the loss of Eq. 6."""

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        """Add the constraints to the cross-entropy."""
        logits, *constraints = y_pred
        loss = functional.cross_entropy(logits, y_true)
        return loss + sum(w * c for w, c in zip(self.module_.strengths, constraints, strict=True))

    def predict_proba(self, X):
        """Return the probabilities."""
        logits = [output[0] for output in self.forward_iter(X)]
        return torch.softmax(torch.cat(logits), 1).numpy()


def skorch_classifier(n_blocks, options, epochs, **settings):
    """Return skorch's classifier, without the validation split it would make by itself."""
    return Classifier(
        Network,
        module__n_blocks=n_blocks,
        optimizer=torch.optim.Adam,
        lr=options.lr,
        batch_size=options.batch_size,
        max_epochs=epochs,
        train_split=None,
        verbose=0,
        **settings,
    )


def seconds_of(call):
    """Return the processor time of one call, and what it returned."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def compare(n_blocks, options):
    """Print the lines of the table for one number of blocks."""
    X, y = make_patients(n_blocks)
    modalities = {f"block{m}": range(m * WIDTH, (m + 1) * WIDTH) for m in range(n_blocks)}
    ours = InvariantSpecificFusionClassifier(
        modalities=modalities,
        lr=options.lr,
        batch_size=options.batch_size,
        max_epochs=options.epochs,
        n_members=1,
        random_state=0,
    )
    compile_s, _ = seconds_of(lambda: ours.set_params(max_epochs=1).fit(X, y))
    ours.set_params(max_epochs=options.epochs)
    print(f"\nM={n_blocks}, batches of {options.batch_size}; first call {compile_s:.1f} s")

    single, _ = seconds_of(lambda: ours.fit(X, y))
    X32 = X.astype(np.float32)
    # skorch without its callbacks, which only print and count here.
    net = skorch_classifier(n_blocks, options, options.epochs, callbacks="disable")
    theirs, _ = seconds_of(lambda: net.fit(X32, y))
    print(f"  one fit: sklidh {single:.3f} s, skorch {theirs:.2f} s: {theirs / single:.0f}x")

    n_candidates, few = len(VALUES) ** 3, {"module__alpha": [0.7]}
    net = skorch_classifier(n_blocks, options, options.epochs // 5, callbacks="disable")
    search = GridSearchCV(net, few, cv=FOLDS, scoring="roc_auc", refit=False)
    skorch_s, _ = seconds_of(lambda: search.fit(X32, y))
    grid = dict.fromkeys(("alpha", "beta", "gamma"), VALUES)
    batched_s, batched = seconds_of(
        lambda: BatchedGridSearchCV(ours, grid, cv=FOLDS, scoring="roc_auc", refit=False).fit(X, y)
    )
    total = skorch_s * 5 * n_candidates
    print(
        f"  {n_candidates} candidates x {FOLDS} folds: sklidh {batched_s:.1f} s; skorch "
        f"{skorch_s:.1f} s for 1 and a fifth of the epochs, {total:.0f} s for all: "
        f"{total / batched_s:.0f}x"
    )
    some = dict.fromkeys(grid, VALUES[::4])
    ordinary_s, ordinary = seconds_of(
        lambda: GridSearchCV(ours, some, cv=FOLDS, scoring="roc_auc", refit=False).fit(X, y)
    )
    places = [batched.cv_results_["params"].index(p) for p in ordinary.cv_results_["params"]]
    difference = np.abs(
        batched.cv_results_["mean_test_score"][places] - ordinary.cv_results_["mean_test_score"]
    ).max()
    per_fit = ordinary_s / (len(places) * FOLDS)
    print(
        f"  GridSearchCV over our classifier, {len(places)} candidates: {per_fit:.3f} s a fit, so "
        f"{per_fit * n_candidates * FOLDS:.0f} s for all; largest difference of an AUC "
        f"{difference:.1g}"
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for n_blocks in options.blocks:
        compare(n_blocks, options)


if __name__ == "__main__":
    main()
