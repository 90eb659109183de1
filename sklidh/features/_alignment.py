"""Bring the features of networks that were trained apart to the same axes."""

import numpy as np

from sklidh.nn._trained import predict


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
