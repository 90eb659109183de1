"""Remove the effect of the scanning site from features."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.selection._site_effects import raw_effects, shrink_effects
from sklidh.utils import DocumentedMixin, category_text, check_same_patients


class ComBat(DocumentedMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Harmonise feature columns across the sites where patients were scanned.

    Scanners shift and stretch features. The value of patient :math:`j` at site :math:`i` is
    modelled as

    .. math:: x_{ij} = \alpha + \sigma (\gamma_i + \delta_i \epsilon_{ij}),

    with the feature's mean :math:`\alpha` and deviation :math:`\sigma` over all training patients,
    and the site's shift :math:`\gamma_i` and stretch :math:`\delta_i`; the harmonised value is
    :math:`\alpha + \sigma \epsilon_{ij}`. All are estimated from the rows passed to `fit` and
    applied to any others. [1]_ [2]_

    Parameters
    ----------
    site : str, default="site"
        Name of the sites: the column that holds them if X is a DataFrame with that column (which
        is removed from the output), else the name used in messages. Within a Pipeline the sites are
        passed as metadata: see Notes.
    unseen : {"raise", "mean"}, default="raise"
        Whether a patient from a site not seen in `fit` is an error, or is left unchanged with a
        warning: the effect of a site without training patients is unknown.
    shrink : bool, default=True
        Whether a site's effects are shrunk towards those of its other features (empirical Bayes),
        which stabilises sites with few patients.
    min_patients : int, default=2
        Sites with fewer training patients are an error: their effect cannot be estimated.

    Attributes
    ----------
    sites_ : ndarray of shape (n_sites,)
    mean_, deviation_ : ndarray of shape (n_features,)
        :math:`\alpha` and :math:`\sigma`.
    shift_, stretch_ : ndarray of shape (n_sites, n_features)
        :math:`\gamma` and :math:`\delta`.
    n_features_in_ : int
        Excludes the column of sites.
    feature_names_in_ : ndarray of shape (n_features,)
        Only if all column names of X are strings.

    Notes
    -----
    In a Pipeline, pass the sites by scikit-learn's metadata routing: `fit` and `transform` request
    ``site`` by default, so with ``sklearn.set_config(enable_metadata_routing=True)`` you only need
    ``pipeline.fit(X, y, site=X["site"])`` and ``pipeline.predict(X, site=X["site"])``;
    cross-validation splits them with the rows (in `sklidh.evaluation` with
    ``params={"site": ...}``). Without routing, and in a search, whose scorers predict without
    metadata, let a ColumnTransformer pass the column of sites through beside the features, and
    name it in `site`.

    NaN are ignored in every estimate and stay NaN. A constant feature is left unchanged.

    If the classes have different proportions at the sites, part of their difference is removed as a
    site effect: harmonise if the sites' patients are alike, and also report the result without it.

    References
    ----------
    .. [1] Johnson W. E. et al., "Adjusting batch effects in microarray expression data using
           empirical Bayes methods", Biostatistics 8(1), 2007.
    .. [2] Fortin J.-P. et al., "Harmonization of cortical thickness measurements across scanners
           and sites", NeuroImage 167, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sklidh.selection import ComBat
    >>> X = np.array([[1.0], [2.0], [3.0], [11.0], [12.0], [13.0]])
    >>> site = ["a", "a", "a", "b", "b", "b"]
    >>> ComBat().fit(X, site=site).transform(X, site=site).ravel().round(2)
    array([6.18, 7.  , 7.82, 6.18, 7.  , 7.82])
    """

    _parameter_constraints: dict = {
        "site": [str],
        "unseen": [StrOptions({"raise", "mean"})],
        "shrink": ["boolean"],
        "min_patients": [Interval(Integral, 2, None, closed="left")],
    }
    # Requested by default: without sites there is nothing to harmonise.
    __metadata_request__fit = {"site": True}
    __metadata_request__transform = {"site": True}

    def __init__(self, site="site", *, unseen="raise", shrink=True, min_patients=2):
        self.site = site
        self.unseen = unseen
        self.shrink = shrink
        self.min_patients = min_patients

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, site=None):
        """Estimate the sites' effects.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_features)
            May hold NaN; a DataFrame may include the column of sites.
        y : array-like of shape (n_patients,), default=None
            Not used.
        site : array-like of shape (n_patients,), default=None
            The site where each patient was scanned.

        Returns
        -------
        ComBat
            This one.

        Raises
        ------
        ValueError
            Sites are missing or have too few patients.
        """
        X, sites = self._split(X, site)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self.sites_, counts = np.unique(sites, return_counts=True)
        few = counts < self.min_patients
        if few.any():
            raise ValueError(
                f"{self.site} {str(self.sites_[few][0])!r} has {counts[few][0]} training patients; "
                f"min_patients={self.min_patients} are needed: leave them out, or pool sites"
            )
        self._estimate(X, sites)
        return self

    def transform(self, X, *, site=None):
        """Remove the sites' effects.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_features)
            As in `fit`.
        site : array-like of shape (n_patients,), default=None
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_patients, n_features)

        Raises
        ------
        ValueError
            Sites are missing or were not seen in `fit`; see `unseen`.
        """
        check_is_fitted(self)
        X, sites = self._split(X, site)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        rows = np.clip(np.searchsorted(self.sites_, sites), 0, len(self.sites_) - 1)
        known = self.sites_[rows] == sites
        if not known.all():
            self._warn_of_unseen(np.unique(sites[~known]).tolist(), np.count_nonzero(~known))
        scale = np.where(self.deviation_ > 0, self.deviation_, 1)
        noise = ((X - self.mean_) / scale - self.shift_[rows]) / self.stretch_[rows]
        return np.where(known[:, None] & (self.deviation_ > 0), self.mean_ + scale * noise, X)

    def fit_transform(self, X, y=None, *, site=None):
        """Estimate and remove the sites' effects.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_features)
        y : array-like of shape (n_patients,), default=None
        site : array-like of shape (n_patients,), default=None
            All as in `fit`.

        Returns
        -------
        ndarray of shape (n_patients, n_features)
        """
        # The mixin's version passes the sites only to fit.
        return self.fit(X, y, site=site).transform(X, site=site)

    def _estimate(self, X, sites):
        inside = np.stack([sites == name for name in self.sites_])
        means, _, counts = raw_effects(X, sites, self.sites_)
        n_values = counts.sum(axis=0)
        self.mean_ = (counts * means).sum(axis=0) / np.maximum(n_values, 1)
        # The deviation within sites: the part between sites is what is removed.
        left = X - np.einsum("ij,ik->jk", inside, means)
        self.deviation_ = np.sqrt(np.nansum(left**2, axis=0) / np.maximum(n_values, 1))
        self.deviation_[self.deviation_ <= 1e-12 * np.abs(self.mean_)] = 0
        Z = (X - self.mean_) / np.where(self.deviation_ > 0, self.deviation_, 1)
        shift, spread, counts = raw_effects(Z, sites, self.sites_)
        if self.shrink:
            varying = self.deviation_ > 0
            for row, members in enumerate(inside):
                shift[row, varying], spread[row, varying] = shrink_effects(
                    Z[:, varying],
                    members,
                    shift[row, varying],
                    spread[row, varying],
                    counts[row, varying],
                )
        self.shift_ = shift
        self.stretch_ = np.sqrt(np.where(spread > 0, spread, 1))

    def _split(self, X, site):
        """Return X without the column of sites, and the sites as strings."""
        if isinstance(X, pd.DataFrame) and self.site in X.columns:
            site = X[self.site] if site is None else site
            X = X.drop(columns=self.site)
        if site is None:
            raise ValueError(
                f"no {self.site} is given: pass site= with one value per patient, or a table with "
                f"the column {self.site!r}; in a Pipeline, enable metadata routing (see Notes)"
            )
        check_same_patients(self.site, site, X)
        sites = pd.Series(np.asarray(site, dtype=object))
        if len(sites) != len(X):
            raise ValueError(f"{len(sites)} sites are given for {len(X)} patients")
        if sites.isna().any():
            raise ValueError(
                f"{self.site} is missing for {sites.isna().sum()} of {len(sites)} patients; fill "
                "it in, or leave them out"
            )
        return X, sites.map(category_text).to_numpy(dtype=str)

    def _warn_of_unseen(self, names, n_patients):
        said = (
            f"{n_patients} patients come from {self.site} {', '.join(map(repr, names))}, which has "
            f"no training patients; known are {', '.join(map(repr, self.sites_.tolist()))}"
        )
        if self.unseen == "raise":
            raise ValueError(f"{said}: unseen='mean' leaves them unchanged")
        warnings.warn(f"{said}: they are left unchanged", UserWarning, stacklevel=3)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, without the column of sites.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names if X had none; may include the column of sites.

        Returns
        -------
        ndarray of shape (n_features,), dtype object
        """
        if input_features is not None:
            input_features = [name for name in input_features if name != self.site]
        return super().get_feature_names_out(input_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
