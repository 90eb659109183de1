"""The AUC of a cross-validation: the mean over the folds, and the variance of that mean."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sklidh.evaluation._delong import placements


def fold_aucs(predictions: pd.DataFrame) -> pd.Series:
    """Compute the AUC in each fold of each repeat.

    Parameters
    ----------
    predictions : DataFrame of shape (n_predictions, 8)
        As in `Evaluation`.

    Returns
    -------
    Series of float
        NaN if a fold holds only one class. Index: ``repeat`` and ``fold``.
    """
    return pd.Series(
        {
            key: float(placed[0].mean()) if placed else np.nan
            for key, fold in predictions.groupby(["repeat", "fold"], sort=False)
            for placed in [_placements(fold)]
        },
        dtype=float,
    ).rename_axis(["repeat", "fold"])


def _placements(fold: pd.DataFrame):
    """Return the placements of a fold's patients; None if it holds only one class."""
    truth = fold["true"].to_numpy(bool)
    if truth.all() or not truth.any():
        return None
    return placements(truth, fold["score"].to_numpy())


def tested_per_trained(predictions: pd.DataFrame) -> float:
    """Return the ratio of test to training patients, averaged over the splits."""
    folds = predictions.groupby(["repeat", "fold"], sort=False)["n_trained"]
    return float((folds.size() / folds.first()).mean())


def inflation(predictions: pd.DataFrame) -> float:
    r"""Return the factor by which shared training patients inflate the variance of the folds' mean.

    The models of k folds are trained on overlapping sets of patients, and each is tested on
    patients whom the others were trained on, so that their errors are correlated. Nadeau and Bengio
    correct the variance of the mean from :math:`s^2 / k` to
    :math:`(1/k + n_{test}/n_{train})\,s^2`; the ratio of the two is
    :math:`1 + k\,n_{test}/n_{train}`, 2.25 for five folds.

    Parameters
    ----------
    predictions : DataFrame of shape (n_predictions, 8)
        The predictions of one repeat.

    Returns
    -------
    float
        1 for a single split.

    References
    ----------
    C. Nadeau, Y. Bengio, Machine Learning 52(3), 2003.
    """
    k = predictions["fold"].nunique()
    return 1 + k * tested_per_trained(predictions) if k > 1 else 1.0


def mean_auc(tables: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """Estimate the mean AUC of the models of one repeat, and the variance of the estimate.

    Scores of different models are never compared; pooling them over the folds would bias the AUC
    downwards. The variance is DeLong's, computed from the patients' placements within their own
    folds, times `inflation` (1 for a single split). With several classes, the AUC is the mean of
    those of each class against the rest; a patient's influence on it is the mean of the influences
    on them, so that their correlation counts.

    Parameters
    ----------
    tables : sequence of DataFrame of shape (n_predictions, 8)
        The predictions of one repeat, one table per evaluated class.

    Returns
    -------
    auc, variance : float
        NaN if no fold holds both classes. The variance is also NaN if a class has one patient.

    References
    ----------
    E. LeDell, M. Petersen, M. van der Laan, Electronic Journal of Statistics 9(1), 2015. The mean
    over the classes: F. Provost, P. Domingos, Machine Learning 52(3), 2003, with equal weights.
    """
    aucs, influences = zip(*map(auc_and_influence, tables), strict=True)
    variance = np.sum(np.mean(influences, axis=0) ** 2) * inflation(tables[0])
    return float(np.mean(aucs)), float(variance)


def auc_and_influence(predictions: pd.DataFrame) -> tuple[float, np.ndarray]:
    """Estimate the mean AUC over the folds of one repeat, and each patient's influence on it.

    The sum of the squared influences is DeLong's variance; that of the squared differences between
    two models' influences is the variance of the difference between their AUCs.

    Parameters
    ----------
    predictions : DataFrame of shape (n_predictions, 8)
        The predictions of one repeat.

    Returns
    -------
    auc : float
    influence : ndarray of shape (n_predictions,)
        0 in a fold that holds only one class.
    """
    truth, placed = predictions["true"].to_numpy(bool), np.full(len(predictions), np.nan)
    aucs = []
    for rows in predictions.groupby("fold").indices.values():
        both = _placements(predictions.iloc[rows])
        if both is not None:
            placed[rows[truth[rows]]], placed[rows[~truth[rows]]] = both
            aucs.append(both[0].mean())
    if not aucs:
        return np.nan, placed
    influence = np.zeros(len(predictions))
    for is_class in (truth, ~truth):
        there = is_class & ~np.isnan(placed)
        n = int(there.sum())
        scale = np.sqrt(n * (n - 1)) if n > 1 else np.nan
        influence[there] = (placed[there] - placed[there].mean()) / scale
    return float(np.mean(aucs)), influence
