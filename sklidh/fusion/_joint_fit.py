"""The training of fusion classifiers on the same patients, one of them or a whole grid at once."""

import warnings

import numpy as np
import torch
from scipy.stats import entropy
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from sklidh.nn._fusion import Batch, FusionNet, pad
from sklidh.nn._fusion_training import train
from sklidh.nn._losses import Constraints
from sklidh.nn._threads import OneThread
from sklidh.utils import located, progress

# What classifiers that are fitted together may differ in.
MAY_DIFFER = frozenset(["alpha", "beta", "gamma", "random_state", "n_members", "verbose"])
# What they learn from the patients alone.
SHARED = ("n_features_in_", "feature_names_in_", "classes_", "blocks_", "column_means_")
# A network whose cross-entropy is above this part of the class frequencies' has learned nothing.
IDLE = 0.95
# The squares of larger columns' projections are no longer finite.
LARGEST = 1e100


def as_batch(X, y, weight, present, blocks) -> Batch:
    """Turn patients into what the network reads, the same for all its members.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_columns)
    y : ndarray of int of shape (n_patients,)
    weight : ndarray of shape (n_patients,)
    present : ndarray of bool of shape (n_patients, n_blocks)
    blocks : dict of str to ndarray of int

    Raises
    ------
    ValueError
        A column is too large for the network to be computed.
    """
    largest = np.abs(X).max(initial=0)
    if largest > LARGEST:
        row, column = np.argwhere(np.abs(X) == largest)[0]
        raise ValueError(
            f"column {column} of X holds {X[row, column]:g} in row {row}; values from "
            f"{-LARGEST:g} to {LARGEST:g} are accepted: standardise the columns in a step before"
        )
    x = pad([torch.from_numpy(X[:, columns]) for columns in blocks.values()])
    mask = None if present.all() else torch.from_numpy(present.T.copy()).unsqueeze(0)
    return Batch(x, torch.from_numpy(y)[None], torch.from_numpy(weight)[None], mask)


def fit_together(classifiers, X, y, sample_weight=None):
    """Train classifiers on the same patients, all their networks side by side.

    Every one of them ends as if it had been fitted alone.

    Parameters
    ----------
    classifiers : list of InvariantSpecificFusionClassifier
        Their parameters are valid, and equal but for those of `MAY_DIFFER`. Where
        `validation_fraction` is set, `random_state` must be equal too, for it draws the patients.
    X : array-like of shape (n_patients, n_columns)
    y : array-like of shape (n_patients,)
    sample_weight : array-like of shape (n_patients,), default=None

    Raises
    ------
    ValueError
        What the patients' table or the blocks lack.
    FloatingPointError
        The loss of one of the networks is no longer finite.
    """
    lead = classifiers[0]
    X, y, present = lead._fit_blocks(X, y)
    weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    weight = weight * compute_sample_weight(lead.class_weight, lead.classes_[y])
    draws = [check_random_state(classifier.random_state) for classifier in classifiers]
    seeds = [
        seed
        for classifier, draw in zip(classifiers, draws, strict=True)
        for seed in draw.randint(2**31 - 1, size=classifier.n_members).tolist()
    ]
    training, validation = split(y, lead.validation_fraction, draws[0])

    def batch(rows):
        return as_batch(X[rows], y[rows], weight[rows], present[rows], lead.blocks_)

    net = FusionNet(
        [len(columns) for columns in lead.blocks_.values()],
        len(lead.classes_),
        seeds,
        projection_dim=lead.projection_dim,
        hidden_dim=lead.hidden_dim,
        target=lead.reconstruction_target,
    )
    strengths = [(c.alpha, c.beta, c.gamma) for c in classifiers for _ in range(c.n_members)]
    epochs = range(lead.max_epochs)
    with OneThread():
        history = train(
            net,
            batch(training).split(lead.batch_size),
            torch.tensor(strengths, dtype=torch.float64),
            Constraints(lead.similarity, lead.difference, lead.reconstruction),
            epochs=progress(epochs, "fusion", total=len(epochs), verbose=lead.verbose),
            lr=lead.lr,
            warm_up=round(lead.warm_up * lead.max_epochs),
            validation=None if validation is None else batch(validation),
            engine=lead.engine,
        )
    uninformed = entropy(np.bincount(y[training], weight[training]))
    first = 0
    for classifier in classifiers:
        members = slice(first, first + classifier.n_members)
        first = members.stop
        vars(classifier).update({k: vars(lead)[k] for k in SHARED if k in vars(lead)})
        classifier.net_ = net.members(members)
        curves = {term: curve[:, members].numpy() for term, curve in history.items()}
        classifier.loss_curve_ = {term: curve.mean(1) for term, curve in curves.items()}
        classifier.n_iter_ = len(epochs)
        warn_of_idle(classifier, int((curves["task"][-1] > IDLE * uninformed).sum()))


def split(y, validation_fraction, random_state):
    """Return the rows to train on and, if a fraction is given, those to stop by."""
    rows = np.arange(len(y))
    if validation_fraction is None:
        return rows, None
    training, validation = train_test_split(
        rows, test_size=validation_fraction, stratify=y, random_state=random_state
    )
    return np.sort(training), np.sort(validation)


def warn_of_idle(classifier, n_idle):
    """Warn where networks do not even predict the patients they were trained on."""
    if n_idle:
        warnings.warn(
            located(
                f"{n_idle} of {classifier.n_members} network(s) predict the training patients "
                f"hardly better than the class frequencies do after max_epochs="
                f"{classifier.max_epochs} at lr={classifier.lr:g}: raise max_epochs or n_members, "
                "or lower beta, which can draw the codes of all patients to one point; on the "
                "command line, sklidh evaluate --tune searches beta"
            ),
            ConvergenceWarning,
            stacklevel=4,
        )
