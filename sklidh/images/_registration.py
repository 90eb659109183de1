"""Align all modalities of a patient with one of them."""

import os
import warnings
from dataclasses import asdict
from numbers import Integral, Real

import pandas as pd
from joblib import delayed
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, Options, StrOptions

from sklidh.images._columns import image_columns
from sklidh.images._errors import without_reference
from sklidh.images._labels import check_label
from sklidh.images._registration_patient import (
    kept_registrations,
    register_patient,
    warn_of_lost_masks,
)
from sklidh.images._table import TableTransformer, with_cells
from sklidh.utils import CohortError, cache_folder, check_cases, is_missing, spread

REPORTED = ("displacement", "translation", "rotation", "mutual_information", "matrix")


def modalities_to_move(X, reference, modalities, mask):
    """Return the columns that are registered to the reference."""
    named = image_columns(X) if modalities is None else modalities
    return [column for column in named if column not in (reference, mask)]


def check_reference(X, reference) -> None:
    """Refuse a table in which a patient has no reference image."""
    empty = X.index[X[reference].map(is_missing)]
    if len(empty):
        raise CohortError(without_reference(patient, reference) for patient in empty)


def report_of(patients, registered) -> pd.DataFrame:
    """Return one row per registered image, from each patient's `Registered` by column."""
    rows = [
        {"patient": patient, "modality": column} | asdict(each.fit)
        for patient, images in zip(patients, registered, strict=True)
        for column, each in images.items()
        if each.fit is not None
    ]
    report = pd.DataFrame(rows, columns=["patient", "modality", *REPORTED])
    return report.set_index(["patient", "modality"])


class RigidRegistration(TableTransformer):
    """Rigidly register all modalities of a patient to one of them.

    The images of one examination differ in position, field of view and resolution. Each is moved
    by the rotation and translation that maximise its mutual information with the reference, at
    three resolutions from coarse to fine, and resampled on the reference's grid by linear
    interpolation. The reference itself is never changed.

    Parameters
    ----------
    reference : str, default="T2"
        The column of the fixed images, on which the masks were drawn.
    modalities : sequence of str, default=None
        The columns of the moving images; the reference is skipped if listed. None: every column in
        which a cell is an image or a path that ends like an image file. All other columns, such as
        site and age, pass through.
    mask : str or None, default="mask"
        The column of masks. A mask on another grid than the reference is resampled with
        nearest-neighbour labels, without registration; warnings and errors about masks that do not
        fit the reference give both volumes. None: the table has no masks.
    label : int, str or sequence of these, default=None
        The labels of the mask that are tumour, as in `sklidh.images.read_mask`; the others are
        dropped. None keeps all; a DICOM mask of several structures needs a choice.
    n_samples : int, default=30000
        Voxels of the reference's foreground that are compared at each resolution.
    n_bins : int, default=32
        Bins of intensity along either axis of the joint histogram.
    tolerance : float, default=0.5
        In voxels of the reference (its shortest edge). An image on the reference's grid is kept
        byte for byte if the transform moves its foreground by less than this: interpolation would
        cost more than it gains. 0 always resamples.
    warn_below : float, default=0.4
        Mutual information, in nats, below which the search restarts from other translations and
        orientations; if that does not help, a warning is issued. In 53 real images it was 0.41 to
        1.10; in ten registered to another patient's brain, at most 0.35.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty modality cell is an error or stays empty. The reference and the mask may
        never be empty.
    cache : None, False, str or path, default=None
        The folder for registered images, whose names are derived from the content of both images,
        the parameters and the version. None means ``$SKLIDH_CACHE`` or else ``~/.cache/sklidh``.
        False caches nothing and returns SimpleITK images in memory, as is always the case when the
        inputs are images in memory.
    n_jobs : int, default=None
        Patients processed in parallel, as in scikit-learn; the images do not depend on it.
    timeout : float, default=None
        Seconds allowed per patient before the run fails, when several are processed in parallel.
        None means no limit. Set one on a dask cluster, as for radiomics.
    random_state : int, default=0
        Seed for sampling voxels. It must be a number because cached images depend on it.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    modalities_ : list of str
        The columns that are registered.
    report_ : DataFrame of shape (n_images, 5)
        Results of the last `transform`, by patient and modality: ``displacement`` of the foreground
        (mm, root mean square), ``translation`` of its centre (mm), ``rotation`` (degrees),
        ``mutual_information`` (nats), and the transform as a ``matrix`` of shape (4, 4) that maps
        a point of the reference to the same anatomy in the original image (mm, LPS).
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        The columns' names.

    See Also
    --------
    sklidh.datasets.load_cohort : Create the table.

    Notes
    -----
    The mutual information is that of Mattes [2]_, with its exact derivative; a quasi-Newton ascent
    from the best of several starts finds the maximum. On the test suite's synthetic patients the
    true transforms are recovered within half a millimetre and half a degree.

    References
    ----------
    .. [1] Shi X. et al., "An intra- and inter-modality fusion model with invariant- and
           specific-constraints using MR images for prediction of glioma isocitrate dehydrogenase
           mutation status", 2023, section III-A: all modalities are registered rigidly onto T2.
    .. [2] Mattes D. et al., "PET-CT image registration in the chest using free-form
           deformations", IEEE Transactions on Medical Imaging 22(1), 2003.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklidh import RigidRegistration
    >>> from sklidh.datasets import make_glioma_phantoms
    >>> with TemporaryDirectory() as folder:
    ...     X, y = make_glioma_phantoms(folder, 2, size=32, spacing=2.0)
    ...     register = RigidRegistration(reference="T2", cache=False).fit(X)
    ...     registered = register.transform(X)
    >>> registered.loc["phantom-000", "T1CE"].GetSize()
    (32, 32, 32)
    >>> register.report_.shape
    (6, 5)
    """

    _parameter_constraints: dict = {
        "reference": [str],
        "modalities": [None, "array-like"],
        "mask": [None, str],
        "label": [None, Integral, str, "array-like"],
        "n_samples": [Interval(Integral, 1000, None, closed="left")],
        "n_bins": [Interval(Integral, 8, 256, closed="both")],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "warn_below": [Interval(Real, 0, None, closed="left")],
        "missing": [StrOptions({"raise", "nan"})],
        "cache": [None, Options(bool, {False}), str, os.PathLike],
        "n_jobs": [None, Integral],
        "timeout": [None, Interval(Real, 0, None, closed="neither")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        reference="T2",
        *,
        modalities=None,
        mask="mask",
        label=None,
        n_samples=30_000,
        n_bins=32,
        tolerance=0.5,
        warn_below=0.4,
        missing="raise",
        cache=None,
        n_jobs=None,
        timeout=None,
        random_state=0,
        verbose=0,
    ):
        self.reference = reference
        self.modalities = modalities
        self.mask = mask
        self.label = label
        self.n_samples = n_samples
        self.n_bins = n_bins
        self.tolerance = tolerance
        self.warn_below = warn_below
        self.missing = missing
        self.cache = cache
        self.n_jobs = n_jobs
        self.timeout = timeout
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the table; nothing is learned and no image is read.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Index: patient ids. Paths or images in memory in the columns of modalities and masks.
        y : array-like of shape (n_patients,), default=None
            Checked if given, not used.

        Returns
        -------
        RigidRegistration
            This one.
        """
        check_cases(X, [self.reference])
        self.modalities_ = modalities_to_move(X, self.reference, self.modalities, self.mask)
        self._check_fit(X, y)
        self.report_ = report_of([], [])
        return self

    def transform(self, X):
        """Register every patient's images.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            The columns seen in `fit`.

        Returns
        -------
        DataFrame of shape (n_patients, n_columns)
            The same rows and columns. Registered images are paths in the cache, or SimpleITK
            images; see `cache`.

        Raises
        ------
        CohortError
            A patient is listed twice, a cell is empty or a file does not exist: all problems are
            listed before any image is read.
        ImageError
            An image cannot be read or registered; patient, column and path are named.

        Warns
        -----
        UserWarning
            For images that still agree poorly with the reference (see `warn_below`), and for masks
            with more than a twentieth of their volume outside the reference.
        """
        X = self._check_transform(X)
        columns = self._columns()
        options = {
            "reference": self.reference,
            "mask": self.mask,
            "label": self.label,
            "settings": {
                "tolerance": self.tolerance,
                "n_samples": self.n_samples,
                "n_bins": self.n_bins,
                "poor": self.warn_below,
                "seed": self.random_state,
            },
        }
        folder = cache_folder(self.cache, "registration")
        rows = [dict(zip(columns, cells, strict=True)) for cells in X[columns].to_numpy(object)]
        # Looked up here rather than in the workers, which take seconds to start.
        registered, wanted = zip(
            *(kept_registrations(row, folder=folder, **options) for row in rows), strict=True
        )
        absent = [number for number, entries in enumerate(wanted) if entries]
        jobs = [
            delayed(register_patient)(X.index[number], rows[number], wanted[number], **options)
            for number in absent
        ]
        how = {"n_jobs": self.n_jobs, "timeout": self.timeout, "cache": self.cache}
        done = spread(jobs, "registration", verbose=self.verbose, **how)
        for number, images in zip(absent, done, strict=True):
            registered[number].update(images)
        for row, images in zip(rows, registered, strict=True):
            row.update(
                {name: each.image for name, each in images.items() if each.image is not None}
            )
        cells = {column: [row[column] for row in rows] for column in columns[1:]}
        by_column = [
            {column: images[column] for column in columns if column in images}
            for images in registered
        ]
        self.report_ = report_of(X.index, by_column)
        self._warn_of_poor_fits()
        if self.mask:
            masks = [images.get(self.mask) for images in registered]
            warn_of_lost_masks(X.index, masks, mask=self.mask, reference=self.reference)
        return with_cells(X, cells)

    def _columns(self) -> list[str]:
        """Return the columns that are read, the reference first."""
        return [self.reference, *self.modalities_, *([self.mask] if self.mask else [])]

    def _check_cells(self, X) -> None:
        check_label(self.label)
        check_cases(X, self._columns(), missing=self.missing)
        check_reference(X, self.reference)

    def _warn_of_poor_fits(self) -> None:
        poor = self.report_[self.report_["mutual_information"] < self.warn_below]
        if len(poor):
            images = ", ".join(
                f"{patient} {modality} ({value:.2f})"
                for (patient, modality), value in poor["mutual_information"].items()
            )
            warnings.warn(
                f"{len(poor)} images agree poorly with {self.reference!r} after registration: "
                f"mutual information below {self.warn_below} nats in {images}. Check for a wrong "
                "patient, a wrong sequence or little overlap",
                UserWarning,
                stacklevel=2,
            )
