"""Calibration of predicted probabilities, and the net benefit of acting on them."""

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from sklidh.evaluation._checks import check_probabilities, check_truth

CLIP = 1e-6
"""Minimum distance of a probability from 0 and 1, where the logit is infinite."""

REFERENCES = ("act on all", "act on none")
"""Curves of a decision plot that do not depend on a model."""


def calibration_line(y_true, probability) -> tuple[float, float]:
    r"""Fit the slope and the intercept of calibration on the logit scale.

    The slope is the coefficient :math:`b` of the logistic regression
    :math:`\mathrm{logit} P(y = 1) = a + b\,\mathrm{logit}(p)`; 1 is ideal; a slope below 1 means
    that the probabilities are too extreme, a sign of overfitting. The intercept ("calibration in
    the large") is :math:`a` with :math:`b` fixed at 1: 0 is ideal, and a positive intercept means
    that there are more mutants than predicted.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    probability : array-like of shape (n_patients,)
        Clipped to at least 1e-6 from 0 and 1.

    Returns
    -------
    slope, intercept : float
        The slope is NaN if all probabilities are equal. If they separate the classes perfectly it
        is infinite (minus infinity if the order is reversed), because no finite slope fits best.

    References
    ----------
    D. R. Cox, Biometrika 45(3/4), 1958. B. Van Calster et al., BMC Medicine 17, 2019.

    Examples
    --------
    >>> from sklidh.evaluation import calibration_line
    >>> slope, intercept = calibration_line([0, 0, 0, 1, 0, 1, 1, 1], [0.1] * 4 + [0.9] * 4)
    >>> print(f"{slope:.2f}, {abs(intercept):.2f}")
    0.50, 0.00
    """
    y_true, probability = check_probabilities(y_true, probability)
    logits = logit(np.clip(probability, CLIP, 1 - CLIP))
    bound = np.abs(logits).max() + logit(1 - CLIP)
    intercept = brentq(lambda a: np.sum(expit(a + logits) - y_true), -bound - 20, bound + 20)
    mutant, wildtype = logits[y_true], logits[~y_true]
    if np.ptp(logits) == 0:
        return float("nan"), intercept
    if mutant.min() >= wildtype.max() or mutant.max() <= wildtype.min():
        return float(np.copysign(np.inf, mutant.mean() - wildtype.mean())), intercept
    # Logits are standardised so that the solver's tolerance does not depend on their spread.
    scale = logits.std()
    line = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    line.fit((logits - logits.mean())[:, None] / scale, y_true)
    return float(line.coef_[0, 0] / scale), intercept


def decision_curve(y_true, probabilities, *, thresholds=None) -> pd.DataFrame:
    r"""Compute the net benefit of acting on a model's probabilities.

    Acting (operating, sparing a biopsy) on every patient with a probability of at least :math:`t`
    implies that one true positive is worth :math:`(1 - t) / t` false positives. For :math:`n`
    patients, the net benefit is

    .. math:: \frac{TP}{n} - \frac{FP}{n} \cdot \frac{t}{1 - t}

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    probabilities : dict of str to array-like of shape (n_patients,)
        Probability of a mutation predicted by each model.
    thresholds : array-like of shape (n_thresholds,), default=None
        Probabilities from which one would act, above 0 and below 1; None means 0.01, 0.02, ...,
        0.99.

    Returns
    -------
    DataFrame of shape (n_thresholds, n_models + 2)
        Net benefit. Index: thresholds. Columns: the models, then "act on all" and "act on none".

    Raises
    ------
    ValueError
        A threshold does not lie between 0 and 1, a model is named "act on all" or "act on none", or
        as `calibration_line`.

    References
    ----------
    A. J. Vickers, E. B. Elkin, Medical Decision Making 26(6), 2006.

    Examples
    --------
    >>> from sklidh.evaluation import decision_curve
    >>> curve = decision_curve([0, 0, 1, 1], {"model": [0.1, 0.6, 0.4, 0.9]}, thresholds=[0.5])
    >>> curve.loc[0.5].to_dict()
    {'model': 0.0, 'act on all': 0.0, 'act on none': 0.0}
    """
    thresholds = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, float)
    if not ((thresholds > 0) & (thresholds < 1)).all():
        raise ValueError("thresholds must be above 0 and below 1")
    if taken := sorted(set(REFERENCES) & set(probabilities)):
        raise ValueError(f"a model cannot be named {taken[0]!r}; the name is reserved")
    odds = thresholds / (1 - thresholds)
    benefits = {}
    for name, probability in probabilities.items():
        truth, probability = check_probabilities(y_true, probability)
        acted = probability >= thresholds[:, None]
        benefits[name] = (acted & truth).mean(1) - (acted & ~truth).mean(1) * odds
    prevalence = check_truth(y_true).mean()
    act_on_all = prevalence - (1 - prevalence) * odds
    benefits |= dict(zip(REFERENCES, (act_on_all, np.zeros(len(thresholds))), strict=True))
    return pd.DataFrame(benefits, index=pd.Index(thresholds, name="threshold"))
