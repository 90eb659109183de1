"""Batched training of one or several fusion classifiers on the same patients."""

import warnings

import numpy as np
import torch
from scipy.stats import entropy
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from sklidh.nn._fusion import Batch, FusionNet, pad
from sklidh.nn._fusion_training import train
from sklidh.nn._losses import Constraints
from sklidh.nn._threads import OneThread
from sklidh.utils import located, progress

# Parameters that may differ between classifiers of one batch.
MAY_DIFFER = frozenset(
    ["alpha", "beta", "gamma", "random_state", "n_members", "bootstrap", "verbose"]
)
# A network has learned nothing if its cross-entropy exceeds this fraction of the cross-entropy of
# the class frequencies.
IDLE = 0.95


def as_batch(X, y, weight, present, blocks) -> Batch:
    """Arrange patients as input of the network.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_columns)
    y : ndarray of int of shape (n_patients,)
    weight : ndarray of shape (n_members or 1, n_patients)
    present : ndarray of bool of shape (n_patients, n_blocks)
    blocks : dict of str to ndarray of int
    """
    x = pad([torch.from_numpy(X[:, columns]) for columns in blocks.values()])
    mask = None if present.all() else torch.from_numpy(present.T.copy())
    return Batch(x, torch.from_numpy(y), torch.from_numpy(weight), mask)


def train_together(classifiers, X, y, weight, present):
    """Train the networks of several classifiers on the same patients in one batch.

    The result equals that of separate training up to rounding, which depends on the size of the
    matrices.

    Parameters
    ----------
    classifiers : list of InvariantSpecificFusionClassifier
        Their parameters are equal except for those in `MAY_DIFFER`, as are `blocks_` and
        `classes_`. If `validation_fraction` is set, `random_state` must also be equal, because it
        draws the validation patients.
    X : ndarray of shape (n_patients, n_columns)
        Standardised.
    y : ndarray of int of shape (n_patients,)
    weight : ndarray of shape (n_patients,)
    present : ndarray of bool of shape (n_patients, n_blocks)

    Returns
    -------
    list of (FusionNet, dict of str to ndarray of shape (n_epochs, n_members))
        The networks and loss curves of each classifier.

    Raises
    ------
    FloatingPointError
        The loss of a network is no longer finite.
    """
    lead = classifiers[0]
    draws = [check_random_state(classifier.random_state) for classifier in classifiers]
    seeds = [
        draw.randint(2**31 - 1, size=classifier.n_members).tolist()
        for classifier, draw in zip(classifiers, draws, strict=True)
    ]
    training, validation = split(y, lead.validation_fraction, draws[0])
    counts = np.vstack(
        [
            resample(y[training], seed) if classifier.bootstrap else np.ones(len(training))
            for classifier, own in zip(classifiers, seeds, strict=True)
            for seed in own
        ]
    )

    def batch(rows, weight):
        return as_batch(X[rows], y[rows], weight, present[rows], lead.blocks_)

    net = FusionNet(
        [len(columns) for columns in lead.blocks_.values()],
        len(lead.classes_),
        [seed for own in seeds for seed in own],
        projection_dim=lead.projection_dim,
        hidden_dim=lead.hidden_dim,
        target=lead.reconstruction_target,
    )
    strengths = [(c.alpha, c.beta, c.gamma) for c in classifiers for _ in range(c.n_members)]
    epochs = range(lead.max_epochs)
    with OneThread():
        history = train(
            net,
            batch(training, weight[training] * counts).split(lead.batch_size),
            torch.tensor(strengths, dtype=torch.float64),
            Constraints(lead.similarity, lead.difference, lead.reconstruction),
            epochs=progress(
                epochs, "fusion", total=len(epochs), unit="epoch", verbose=lead.verbose
            ),
            n_epochs=len(epochs),
            lr=lead.lr,
            schedule=lead.lr_schedule,
            warm_up=round(lead.warm_up * lead.max_epochs),
            validation=None
            if validation is None
            else batch(validation, weight[np.newaxis, validation]),
        )
    entropy_of_classes = entropy(np.bincount(y[training], weight[training]))
    trained, first = [], 0
    for classifier in classifiers:
        members = slice(first, first + classifier.n_members)
        first = members.stop
        curves = {term: curve[:, members].numpy() for term, curve in history.items()}
        warn_of_idle(classifier, int((curves["task"][-1] > IDLE * entropy_of_classes).sum()))
        trained.append((net.members(members), curves))
    return trained


def resample(y, seed):
    """Draw patients of each class with replacement; return how often each was drawn."""
    random_state = np.random.RandomState(seed)
    counts = np.zeros(len(y))
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        counts[rows] = np.bincount(random_state.randint(len(rows), size=len(rows)), None, len(rows))
    return counts


def split(y, validation_fraction, random_state):
    """Return the training rows and, if a fraction is given, the validation rows."""
    rows = np.arange(len(y))
    if validation_fraction is None:
        return rows, None
    training, validation = train_test_split(
        rows, test_size=validation_fraction, stratify=y, random_state=random_state
    )
    return np.sort(training), np.sort(validation)


def warn_of_idle(classifier, n_idle):
    """Warn if networks cannot predict even their own training patients."""
    if n_idle:
        warnings.warn(
            located(
                f"after max_epochs={classifier.max_epochs} at lr={classifier.lr:g}, "
                f"{n_idle} of {classifier.n_members} network(s) predict "
                "the training patients hardly better than the class frequencies: raise max_epochs "
                "or n_members, or lower beta, which can collapse the codes of all patients to a "
                "point; on the command line, sklidh evaluate --tune searches beta"
            ),
            ConvergenceWarning,
            stacklevel=5,
        )
