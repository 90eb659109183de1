"""The AUC of a cross-validation: the mean over the folds, and the variance of that mean."""

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
    mutant = fold["true"].to_numpy()
    if mutant.all() or not mutant.any():
        return None
    return placements(mutant, fold["score"].to_numpy())


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


def mean_auc(predictions: pd.DataFrame) -> tuple[float, float]:
    """Estimate the mean AUC of the models of one repeat, and the variance of the estimate.

    Scores of different models are never compared; pooling them over the folds would bias the AUC
    downwards. The variance is DeLong's, computed from the patients' placements within their own
    folds, times `inflation` (1 for a single split).

    Parameters
    ----------
    predictions : DataFrame of shape (n_predictions, 8)
        The predictions of one repeat.

    Returns
    -------
    auc, variance : float
        NaN if no fold holds both classes. The variance is also NaN if a class has one patient.

    References
    ----------
    E. LeDell, M. Petersen, M. van der Laan, Electronic Journal of Statistics 9(1), 2015.
    """
    folds = [_placements(fold) for _, fold in predictions.groupby("fold")]
    placed = [each for each in folds if each is not None]
    if not placed:
        return np.nan, np.nan
    auc = float(np.mean([of_mutants.mean() for of_mutants, _ in placed]))
    classes = [np.concatenate(each) for each in zip(*placed, strict=True)]
    if min(map(len, classes)) < 2:
        return auc, np.nan
    variance = sum(each.var(ddof=1) / len(each) for each in classes)
    return auc, float(variance * inflation(predictions))
