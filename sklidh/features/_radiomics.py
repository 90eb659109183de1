"""Extract radiomics features of a table of patients, in parallel and with a cache."""

import os
from numbers import Integral, Real

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.features._radiomics_case import (
    Case,
    Extracted,
    Failure,
    Task,
    entry_of,
    features_of_case,
    kept_features,
)
from sklidh.features._radiomics_table import (
    apply_missing,
    list_cases,
    table_of_failures,
    warn_of_absent,
    warn_of_failures,
    warn_of_few_levels,
    warn_of_undefined,
)
from sklidh.images import Perturbations, check_label, check_regions
from sklidh.radiomics import DIAGNOSTICS, Settings, engine_of, feature_names, read_settings
from sklidh.utils import (
    DocumentedMixin,
    cache_folder,
    check_image_and_mask,
    check_target,
    perturbed_name,
    spread,
)


class RadiomicsExtractor(DocumentedMixin, TransformerMixin, BaseEstimator):
    """Describe tumours with PyRadiomics' features: intensities, shape and texture.

    The input is a table with two columns, an image and its mask; the output has one row per patient
    and columns with PyRadiomics' names. Workers read one image at a time, and features are cached:
    an interrupted run resumes where it stopped, and refitting a pipeline does not extract again.

    Parameters
    ----------
    settings : {"paper", "full"}, dict, path or Settings, default="paper"
        The features and how they are computed. ``"paper"``: the 873 features of Shi et al.;
        ``"full"``: all 1223 of PyRadiomics 3.0.1 on the original, wavelet, Laplacian-of-Gaussian
        (1, 3, 5 mm) and gradient images in three dimensions; ``"ibsi"`` and ``"ibsi-a"`` to
        ``"ibsi-e"``: those of the Image Biomarker Standardisation Initiative; a PyRadiomics
        parameter file, or a dictionary of the same form. See `sklidh.radiomics.read_settings`.
    engine : {"native", "pyradiomics"}, default="native"
        The implementation: the package's own code, or PyRadiomics 3.0.1 if it is installed. The
        values are the same.
    label : int, str or sequence of these, default=None
        The labels of the mask that are tumour, by number or by the name of a structure. None means
        the settings' ``label`` if they have one, else every label above 0.
    regions : dict of str to label, default=None
        Several regions of one mask, such as ``{"core": [1, 4], "oedema": 2, "enhancing": 4}``: the
        labels of each, by the name that comes before its columns, as in
        ``core__original_firstorder_Mean``. Every image is read once. Regions may overlap; None as a
        label is every label above 0. A region that a patient's mask lacks is treated as `missing`
        says.
    perturbations : int or Perturbations, default=None
        Number of perturbed copies of each image and mask whose features `fit_transform` adds as
        columns, as in ``original_firstorder_Mean__perturbed-3``, for a `RobustnessSelector` to
        read and drop; a `sklidh.images.Perturbations` states their strength too. `transform`
        leaves these columns NaN: a prediction does not need them.
    diagnostics : bool, default=False
        Whether to put the numbers of PyRadiomics' ``additionalInfo`` before the features: the
        image's mean, minimum and maximum, and the region's numbers of voxels and of parts. They
        are meant for inspecting a cohort; a model would use them like any other feature.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty image cell is an error or gives a row of NaN; likewise a region that the
        mask lacks or that is too small, whose columns are NaN, with a warning.
    on_error : {"raise", "record"}, default="raise"
        Whether a patient whose image cannot be used stops the run (finished patients stay in the
        cache), or gets a row of NaN, an entry in `errors_` and a warning.
    cache : None, False, str or path, default=None
        The folder for cached features, one small file per image. None means ``$SKLIDH_CACHE`` or
        else ``~/.cache/sklidh``; False disables the cache. An entry depends on the content of
        image and mask, the settings, label, engine and version. Images in memory are never
        cached.
    n_jobs : int, default=None
        Patients processed in parallel, as in scikit-learn; the values do not depend on it.
    timeout : float, default=None
        Seconds allowed per patient before the run fails, when several are processed in parallel.
        None means no limit. Set one on a dask cluster, which would otherwise wait forever for a
        worker that keeps dying.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    settings_ : Settings
        The complete settings, including all defaults.
    errors_ : DataFrame of shape (n_failures, 5)
        Failures of the last transform: ``patient``, ``column``, ``path``, ``exception`` and
        ``message``. Always empty with ``on_error="raise"``.
    n_features_in_ : int
        2.
    feature_names_in_ : ndarray of shape (2,)
        The two columns.

    See Also
    --------
    sklidh.per_modality : Use a separate extractor for each modality.

    Notes
    -----
    Some features are undefined for some tumours, such as the co-occurrence of neighbouring voxels
    in a region without neighbours. PyRadiomics then returns NaN, and so does this class, with a
    warning that names patient and feature. All other failures are errors.

    References
    ----------
    .. [1] Shi X. et al., "An intra- and inter-modality fusion model with invariant- and
           specific-constraints using MR images for prediction of glioma isocitrate dehydrogenase
           mutation status", 2023, section II-B.
    .. [2] van Griethuysen J. J. M. et al., "Computational radiomics system to decode the
           radiographic phenotype", Cancer Research 77(21), 2017.

    Examples
    --------
    >>> import numpy as np, pandas as pd, SimpleITK as sitk
    >>> from sklidh import RadiomicsExtractor
    >>> image = sitk.GetImageFromArray(np.arange(512.0).reshape(8, 8, 8))
    >>> mask = sitk.GetImageFromArray(np.ones((8, 8, 8), dtype=np.uint8))
    >>> X = pd.DataFrame({"T1CE": [image], "mask": [mask]}, index=["patient-01"])
    >>> settings = {"featureClass": {"firstorder": ["Mean", "Maximum"]}}
    >>> RadiomicsExtractor(settings).fit_transform(X)
                original_firstorder_Mean  original_firstorder_Maximum
    patient-01                     255.5                        511.0
    """

    _parameter_constraints: dict = {
        "settings": [str, os.PathLike, dict, Settings],
        "engine": [StrOptions({"native", "pyradiomics"})],
        "label": [None, Interval(Integral, 1, None, closed="left"), str, "array-like"],
        "regions": [None, dict],
        "perturbations": [None, Interval(Integral, 1, None, closed="left"), Perturbations],
        "diagnostics": ["boolean"],
        "missing": [StrOptions({"raise", "nan"})],
        "on_error": [StrOptions({"raise", "record"})],
        "cache": [None, Options(bool, {False}), str, os.PathLike],
        "n_jobs": [None, Integral],
        "timeout": [None, Interval(Real, 0, None, closed="neither")],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        settings="paper",
        *,
        engine="native",
        label=None,
        regions=None,
        perturbations=None,
        diagnostics=False,
        missing="raise",
        on_error="raise",
        cache=None,
        n_jobs=None,
        timeout=None,
        verbose=0,
    ):
        self.settings = settings
        self.engine = engine
        self.label = label
        self.regions = regions
        self.perturbations = perturbations
        self.diagnostics = diagnostics
        self.missing = missing
        self.on_error = on_error
        self.cache = cache
        self.n_jobs = n_jobs
        self.timeout = timeout
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check settings, engine and table; nothing is learned and no image is read.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)
            The image's column, then the mask's: paths, or images in memory.
        y : array-like of shape (n_patients,), default=None
            Checked if given, not used.

        Returns
        -------
        RadiomicsExtractor
            This one.
        """
        check_label(self.label)
        check_regions(self.regions)
        self.settings_ = read_settings(self.settings)
        label = self.settings_.setting["label"] if self.label is None else self.label
        if self.regions is not None and label is not None:
            raise ValueError(
                f"regions={self.regions!r} and label={label!r} both choose labels; remove one "
                "(label can also stand in the settings)"
            )
        engine_of(self.engine).check_supported(self.settings_)
        check_image_and_mask(X, missing=self.missing, cells=self.on_error == "raise")
        if y is not None:
            check_target(y, X)
        validate_data(self, X, skip_check_array=True)
        self.errors_ = table_of_failures([])
        return self

    def fit_transform(self, X, y=None):
        """Fit, and extract the features of every patient, also from perturbed images if asked.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)
            As in `fit`.
        y : array-like of shape (n_patients,), default=None
            As in `fit`.

        Returns
        -------
        DataFrame of shape (n_patients, n_columns), float64
            As from `transform`, with values in the columns of perturbed images.
        """
        return self.fit(X, y)._table(X, perturbed=True)

    def transform(self, X):
        """Extract the features of every patient.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)
            As in `fit`.

        Returns
        -------
        DataFrame of shape (n_patients, n_columns), float64
            With the index of `X`. Columns of perturbed images are NaN.
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self._table(X, perturbed=False)

    def get_feature_names_out(self, input_features=None):
        """Return PyRadiomics' names, as ``wavelet-LH_glcm_Idm``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Not used.

        Returns
        -------
        ndarray of shape (n_columns,), dtype object
            Region by region if there are several; then those of each perturbation.
        """
        check_is_fitted(self)
        columns = self._task().columns
        n = self._task(perturbed=True).shape[0] if self.perturbations else 0
        perturbed = [perturbed_name(name, k + 1) for k in range(n) for name in columns]
        return np.array([*columns, *perturbed], dtype=object)

    def _task(self, *, perturbed=False) -> Task:
        label = self.settings_.setting["label"] if self.label is None else self.label
        regions = {"": label} if self.regions is None else self.regions
        perturbations = self.perturbations if perturbed else None
        if isinstance(perturbations, Integral):
            perturbations = Perturbations(number=perturbations)
        notes = DIAGNOSTICS if self.diagnostics else ()
        names = [*notes, *feature_names(self.settings_)]
        return Task(self.settings_, names, self.engine, regions, perturbations)

    def _table(self, X, *, perturbed) -> pd.DataFrame:
        checked = check_image_and_mask(X, missing=self.missing, cells=self.on_error == "raise")
        cases = list_cases(checked, missing=self.missing)
        outcomes = self._extract(cases, self._task())
        outcomes = apply_missing(outcomes, cases, missing=self.missing, on_error=self.on_error)
        extracted = np.array([isinstance(outcome, Extracted) for outcome in outcomes])
        names = self.get_feature_names_out()
        n_features = self._task().shape[1]
        values = np.full((len(X), len(names)), np.nan)
        for row in np.flatnonzero(extracted):
            values[row, :n_features] = outcomes[row].values[0]
        self.errors_ = table_of_failures([o for o in outcomes if isinstance(o, Failure)])
        warn_of_failures(self.errors_, len(X))
        n_levels = [outcomes[row].n_levels for row in np.flatnonzero(extracted)]
        n_levels = pd.Series(n_levels, X.index[extracted], dtype=int)
        warn_of_few_levels(n_levels, self.settings_, X.columns[0])
        table = pd.DataFrame(values, index=X.index, columns=names)
        warn_of_undefined(table.iloc[:, :n_features], outcomes, X.columns[0])
        if perturbed and self.perturbations is not None:
            usable = [case if ok else None for case, ok in zip(cases, extracted, strict=True)]
            copies = self._extract(usable, self._task(perturbed=True))
            for row in np.flatnonzero(extracted):
                if isinstance(copies[row], Extracted):
                    values[row, n_features:] = copies[row].values.ravel()
            warn_of_absent(copies)
        return pd.DataFrame(values, index=X.index, columns=names)

    def _extract(self, cases: list, task: Task) -> list[Extracted | Failure | None]:
        """Extract the cases that are not in the cache, in parallel if `n_jobs` is set."""
        folder = cache_folder(self.cache, "radiomics")
        outcomes, jobs = list(cases), {}
        for number, case in enumerate(cases):
            if isinstance(case, Case):
                # Looked up here rather than in the workers, which take seconds to start.
                entry = entry_of(case, task, folder=folder)
                outcomes[number] = kept_features(entry, task)
                if outcomes[number] is None:
                    jobs[number] = delayed(features_of_case)(
                        case, task, entry=entry, on_error=self.on_error
                    )
        name = "radiomics" if task.perturbations is None else "perturbed radiomics"
        name = f"{name} {self.feature_names_in_[0]}"
        how = {"n_jobs": self.n_jobs, "timeout": self.timeout, "cache": self.cache}
        done = spread(list(jobs.values()), name, verbose=self.verbose, **how)
        for number, outcome in zip(jobs, done, strict=True):
            outcomes[number] = outcome
        return outcomes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = False
        return tags
