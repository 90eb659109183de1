"""Bring the intensities of MR images, which have no unit, to a common scale."""

from functools import partial

import numpy as np
import pandas as pd
import SimpleITK as sitk
from joblib import delayed
from sklearn.utils._param_validation import StrOptions

from sklidh.images import _intensity_methods as methods
from sklidh.images._errors import describe_source, prefixed_errors
from sklidh.images._preparation import ImagePreparation
from sklidh.images._reading import read_image
from sklidh.images._regions import brain_of
from sklidh.utils import is_missing, spread


def normalise(image, mask=None, *, method, arguments):
    """Normalise an image's intensities.

    Parameters
    ----------
    image : SimpleITK.Image
    mask : SimpleITK.Image, default=None
        1 where statistics are computed; None: in the brain found by `brain_of`.
    method : {"zscore", "percentile", "nyul", "whitestripe"}
    arguments : tuple
        Arguments of the method other than voxels and brain.

    Returns
    -------
    SimpleITK.Image
        float32. Voxels of exactly 0 outside the brain of a skull-stripped image stay 0.
    """
    voxels = sitk.GetArrayFromImage(image).astype(np.float64)
    brain = brain_of(voxels) if mask is None else sitk.GetArrayViewFromImage(mask).astype(bool)
    mapped = getattr(methods, method)(voxels, brain, *arguments)
    stripped = (voxels == 0) & ~brain
    normalised = sitk.GetImageFromArray(np.where(stripped, 0, mapped).astype(np.float32))
    normalised.CopyInformation(image)
    return normalised


def landmarks_of(patient, modality, cell):
    """Return one training image's landmarks on the standard scale."""
    image = read_image(cell, patient=patient, modality=modality)
    voxels = sitk.GetArrayViewFromImage(image)
    with prefixed_errors(describe_source(cell, patient, modality)):
        return methods.on_standard_scale(methods.landmarks(voxels, brain_of(voxels)))


class IntensityNormalization(ImagePreparation):
    r"""Bring the intensities of all images to a common scale.

    ==================  ============================================================================
    ``"zscore"``        :math:`(x - \mu) / \sigma` over the brain
    ``"percentile"``    the brain's percentiles 1 and 99 become 0 and 1; values beyond are clipped
    ``"nyul"``          the brain's percentiles 1, 10, ..., 90, 99 become the average ones of the
                        training images, with linear interpolation between them [1]_
    ``"whitestripe"``   :math:`(x - \mu) / \sigma` over the normal-appearing white matter, a peak of
                        the brain's histogram [2]_
    ==================  ============================================================================

    Only ``"nyul"`` learns from data, and only from the rows passed to `fit`.

    Parameters
    ----------
    method : {"zscore", "percentile", "nyul", "whitestripe"}, default="zscore"
    mask : str, default="brain"
        Where statistics are computed. ``"brain"``: the non-zero voxels of a skull-stripped image,
        else the voxels brighter than the mean. Otherwise the name of a column of masks, for example
        brain masks; ``"nyul"`` accepts ``"brain"`` only.
    modalities : sequence of str, default=None
    missing : {"raise", "nan"}, default="raise"
    cache : None, False, str or path, default=None
    n_jobs : int, default=None
    verbose : int, default=0
        These five as in `Resampling`.

    Attributes
    ----------
    modalities_ : list of str
        The columns that are normalised.
    standard_landmarks_ : DataFrame of shape (n_modalities, 11) or None
        Nyul's standard scale, by modality and percentile; None for the other methods.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        The columns' names.

    Notes
    -----
    In columns whose name begins with T1, white matter is the brightest tissue, the last peak of the
    histogram; in all others the highest peak is used.

    References
    ----------
    .. [1] Nyul L. G. et al., "New variants of a method of MRI scale standardization", IEEE
           Transactions on Medical Imaging 19(2), 2000.
    .. [2] Shinohara R. T. et al., "Statistical normalization techniques for magnetic resonance
           imaging", NeuroImage: Clinical 6, 2014.

    Examples
    --------
    >>> import numpy as np, pandas as pd, SimpleITK as sitk
    >>> from sklidh.images import IntensityNormalization
    >>> voxels = np.random.default_rng(0).normal(300, 50, (8, 8, 8))
    >>> voxels[:, :3] = 0
    >>> X = pd.DataFrame({"T1": [sitk.GetImageFromArray(voxels)]}, index=["P1"])
    >>> image = IntensityNormalization(cache=False).fit_transform(X)["T1"].iloc[0]
    >>> brain = sitk.GetArrayFromImage(image)[voxels != 0]
    >>> bool(abs(brain.mean()) < 1e-5 and abs(brain.std() - 1) < 1e-5)
    True
    """

    _parameter_constraints: dict = {
        **ImagePreparation._parameter_constraints,
        "method": [StrOptions({"zscore", "percentile", "nyul", "whitestripe"})],
        "mask": [str],
    }
    _name = "intensity"
    _arithmetic = 1

    def __init__(
        self,
        method="zscore",
        *,
        mask="brain",
        modalities=None,
        missing="raise",
        cache=None,
        n_jobs=None,
        verbose=0,
    ):
        self.method = method
        self.mask = mask
        self.modalities = modalities
        self.missing = missing
        self.cache = cache
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _learn(self, X):
        self.standard_landmarks_ = None
        if self.method != "nyul":
            return
        if self.mask != "brain":
            raise ValueError(f"method='nyul' accepts mask='brain' only, got {self.mask!r}")
        scales = {}
        for modality in self.modalities_:
            there = X[modality][~X[modality].map(is_missing)]
            if there.empty:
                raise ValueError(f"column {modality!r} has no image to learn its scale from")
            learn = delayed(landmarks_of)
            jobs = [learn(patient, modality, cell) for patient, cell in there.items()]
            name = f"intensities {modality}"
            marks = list(spread(jobs, name, n_jobs=self.n_jobs, verbose=self.verbose))
            scales[modality] = np.mean(marks, axis=0)
        self.standard_landmarks_ = pd.DataFrame.from_dict(
            scales, orient="index", columns=list(methods.LANDMARKS)
        )

    def _preparation(self, column):
        arguments = ()
        if self.method == "nyul":
            arguments = (tuple(self.standard_landmarks_.loc[column].tolist()),)
        elif self.method == "whitestripe":
            arguments = (str(column).upper().startswith("T1"),)
        return partial(normalise, method=self.method, arguments=arguments)

    def _region(self):
        return None if self.mask == "brain" else self.mask
