"""Networks that are trained each without a part of the patients, and features in their axes."""

import numpy as np
from sklearn.model_selection import StratifiedKFold

from sklidh.nn._trained import predict
from sklidh.utils import CohortError


def held_out_rows(n_folds, rows, targets, classes):
    """Deal patients into folds, in the order of the table.

    Parameters
    ----------
    n_folds : int
    rows : ndarray of int
        The patients who have an image.
    targets : ndarray of int, shape (n_patients,)
        Places in `classes`, of all patients.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    list of ndarray of int
        The rows that each network is trained without.

    Raises
    ------
    CohortError
        A class has fewer patients than there are folds.
    """
    members = np.bincount(targets[rows])
    if members.min() < n_folds:
        raise CohortError(
            [
                f"cv={n_folds} folds need {n_folds} patients of each class; class "
                f"{classes.tolist()[members.argmin()]!r} has {members.min()}; lower cv"
            ]
        )
    splits = StratifiedKFold(n_folds).split(rows, targets[rows])
    return [rows[test] for _, test in splits]


def align(source, target):
    """Return the rigid map that brings features of one network closest to those of another.

    The orthogonal Procrustes solution on centred features: a rotation (or reflection) and a
    shift, nothing is stretched. Directions in which the two do not vary together are dropped.

    Parameters
    ----------
    source, target : ndarray of shape (n_images, n_features)
        The same images in both networks.

    Returns
    -------
    rotation : ndarray of shape (n_features, n_features)
    shift : ndarray of shape (n_features,)
        ``features @ rotation + shift`` are the source's features in the target's axes.
    """
    from_centre, to_centre = source.mean(0), target.mean(0)
    left, strength, right = np.linalg.svd((source - from_centre).T @ (target - to_centre))
    shared = strength > 1e-9 * strength[0]
    rotation = left[:, shared] @ right[shared]
    return rotation, to_centre - from_centre @ rotation


def aligned_features(net, images, alignment):
    """Return the features of images in one network, brought to the axes of another."""
    rotation, shift = alignment
    return predict(net, images, "features").astype(np.float64) @ rotation + shift


def features_of_unseen(nets, alignments, folds, images, patients):
    """Describe every patient by the network that was trained without them.

    Parameters
    ----------
    nets : list of skorch.NeuralNetClassifier
    alignments : list of (rotation, shift)
        From `align`.
    folds : list of ndarray of int
        From `held_out_rows`.
    images : ndarray of shape (n_images, n_channels, size, size)
    patients : ndarray of int, shape (n_images,)
        The row of each image's patient.

    Returns
    -------
    ndarray of shape (n_images, n_features), float64
    """
    features = np.empty((len(images), len(alignments[0][1])))
    for net, alignment, held_out in zip(nets, alignments, folds, strict=True):
        unseen = np.isin(patients, held_out)
        features[unseen] = aligned_features(net, images[unseen], alignment)
    return features
