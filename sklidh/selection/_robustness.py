"""Keep the columns that change little when image and contour are perturbed."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from sklidh.selection._icc import intraclass_correlation
from sklidh.selection._selector import BaseSelector
from sklidh.utils import listed, unperturbed_name


def perturbed_columns(names) -> dict[int, list[int]]:
    """Return the position of each feature that has perturbed values, and theirs.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    dict of int to list of int

    Raises
    ------
    ValueError
        A perturbed column has no feature beside it.
    """
    places = {name: place for place, name in enumerate(names)}
    groups, orphans = {}, []
    for name, place in places.items():
        own = unperturbed_name(name)
        if own in places:
            groups.setdefault(places[own], []).append(place)
        elif own is not None:
            orphans.append(name)
    if orphans:
        raise ValueError(
            f"RobustnessSelector: {listed(orphans, 3)} without the column of the feature itself; "
            "place the selector before those that drop columns"
        )
    return groups


class RobustnessSelector(BaseSelector):
    """Keep the columns whose values survive a perturbed image and contour.

    A column ``T1__glcm_Idm`` is compared with the columns ``T1__glcm_Idm__perturbed-1`` and so on,
    which hold its value for the same patient in perturbed images, or in another reader's contours.
    It is kept if the intraclass correlation ICC(1,1) of these values reaches `threshold`. The
    perturbed columns themselves are always dropped. Only rows of X count, so in a Pipeline only
    training patients decide.

    Columns without perturbed values, such as deep features, are not assessed and are kept. The
    selector belongs directly after the extractor: a scaler in between would scale each perturbed
    column on its own, and hide a change that all patients share.

    Parameters
    ----------
    threshold : float, default=0.75
        Minimum ICC; 0.75 is where Koo and Li's "good" reliability begins, 0.9 "excellent".

    criterion : {"lower", "estimate"}, default="lower"
        Whether the lower limit of the confidence interval has to reach `threshold`, as Koo and Li
        advise, or only the estimate.

    confidence_level : float, default=0.95
        Of the interval.

    min_features_to_select : int, default=1
        If fewer columns are kept, those with the largest ICC are added, with a warning.

    Attributes
    ----------
    icc_, lower_, upper_ : ndarray of shape (n_features,)
        The ICC of each column and the limits of its confidence interval. NaN for columns that are
        not assessed, for perturbed ones, and for columns without any difference, which are dropped.

    support_ : ndarray of shape (n_features,), dtype=bool
        The columns kept.

    n_features_in_ : int
        Perturbed columns included.

    feature_names_in_ : ndarray of shape (n_features,)
        The names of the columns.

    See Also
    --------
    intraclass_correlation : The coefficient and its interval.
    sklidh.RadiomicsExtractor : Adds perturbed columns with ``perturbations=10``.

    References
    ----------
    A. Zwanenburg et al., "Assessing robustness of radiomic features by image perturbation",
    Scientific Reports 9:614, 2019. T. K. Koo, M. Y. Li, "A guideline of selecting and reporting
    intraclass correlation coefficients for reliability research", Journal of Chiropractic Medicine
    15(2), 2016.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklidh.selection import RobustnessSelector
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=30), "texture": rng.normal(size=30)})
    >>> X["size__perturbed-1"] = X["size"] + 0.1 * rng.normal(size=30)
    >>> X["texture__perturbed-1"] = X["texture"] + 2 * rng.normal(size=30)
    >>> selector = RobustnessSelector().set_output(transform="pandas").fit(X)
    >>> selector.transform(X).columns.to_list()
    ['size']
    >>> selector.icc_.round(2)
    array([0.99, 0.18,  nan,  nan])
    """

    _parameter_constraints: dict = {
        "threshold": [Interval(Real, -1, 1, closed="both")],
        "criterion": [StrOptions({"lower", "estimate"})],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "min_features_to_select": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        threshold=0.75,
        *,
        criterion="lower",
        confidence_level=0.95,
        min_features_to_select=1,
    ):
        self.threshold = threshold
        self.criterion = criterion
        self.confidence_level = confidence_level
        self.min_features_to_select = min_features_to_select

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Compute the intraclass correlation of every column that has perturbed values.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_features)
            Features and their perturbed values. May hold NaN.
        y : array-like of shape (n_patients,), default=None
            Not used.

        Returns
        -------
        self : RobustnessSelector
        """
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        groups = perturbed_columns(getattr(self, "feature_names_in_", ()))
        if not groups:
            raise ValueError(
                "RobustnessSelector: X has no column <feature>__perturbed-<number> beside its "
                "<feature>; use RadiomicsExtractor(perturbations=10), and keep the names by "
                "set_output(transform='pandas') on the steps before"
            )
        own, perturbed = [*groups], np.concatenate([*groups.values()])
        if np.isnan(values[:, perturbed]).all():
            raise ValueError(
                "RobustnessSelector: every perturbed value is NaN; RadiomicsExtractor perturbs "
                "images in fit_transform, not in transform: fit both in one Pipeline"
            )
        # Features with fewer perturbed columns than others get columns of NaN, which do not count.
        most = max(map(len, groups.values()))
        places = [[first, *rest, *[-1] * (most - len(rest))] for first, rest in groups.items()]
        padded = np.column_stack([values, np.full(len(values), np.nan)])
        found = intraclass_correlation(
            padded[:, np.transpose(places)], confidence_level=self.confidence_level
        )
        self.icc_, self.lower_, self.upper_ = np.full((3, values.shape[1]), np.nan)
        self.icc_[own], self.lower_[own], self.upper_[own] = found
        reached = np.nan_to_num(
            self.lower_ if self.criterion == "lower" else self.icc_, nan=-np.inf
        )
        whose = "with a lower limit " if self.criterion == "lower" else ""
        support = np.ones(values.shape[1], dtype=bool)
        support[own] = reached[own] >= self.threshold
        support[perturbed] = False
        self.support_ = self._keep(
            support,
            reached,
            f"have an ICC {whose}of at least {self.threshold} (the largest is {reached.max():.3g})",
        )
        self.support_[perturbed] = False
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags
