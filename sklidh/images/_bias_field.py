"""Remove the slow shading that the receiver coil leaves in an MR image."""

from functools import partial
from numbers import Integral, Real

import numpy as np
import SimpleITK as sitk
from sklearn.utils._param_validation import Interval

from sklidh.images._preparation import ImagePreparation
from sklidh.images._regions import brain_of


def correct_bias_field(image, *, shrink, iterations, tolerance):
    """Divide an image by its bias field, estimated with N4.

    Parameters
    ----------
    image : SimpleITK.Image
    shrink : int
        The field, which is smooth, is estimated on every `shrink`-th voxel.
    iterations : tuple of int
        Maximum number of iterations at each level of the field's spline.
    tolerance : float
        Change of the field at which a level ends.

    Returns
    -------
    SimpleITK.Image
        float32; voxels outside the brain are divided too. The brain's mean is kept, since N4
        determines the field only up to a factor.
    """
    values = sitk.Cast(image, sitk.sitkFloat32)
    region = sitk.GetImageFromArray(brain_of(sitk.GetArrayViewFromImage(image)).astype(np.uint8))
    region.CopyInformation(image)
    # N4 takes logarithms, so voxels that are not above 0 are excluded from the estimate.
    region = sitk.And(region, sitk.Cast(values > 0, sitk.sitkUInt8))
    factors = [min(shrink, max(length // 8, 1)) for length in image.GetSize()]
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(iterations))
    n4.SetConvergenceThreshold(tolerance)
    n4.Execute(sitk.Shrink(values, factors), sitk.Shrink(region, factors))
    corrected = values / sitk.Cast(sitk.Exp(n4.GetLogBiasFieldAsImage(values)), sitk.sitkFloat32)
    inside = sitk.GetArrayViewFromImage(region).astype(bool)
    before = sitk.GetArrayViewFromImage(values)[inside].mean()
    after = sitk.GetArrayViewFromImage(corrected)[inside].mean()
    return corrected * float(before / after)


class BiasFieldCorrection(ImagePreparation):
    """Correct the bias field of every image with N4.

    Tissue near a coil appears brighter, so the same tissue has different intensities elsewhere. N4
    finds the smooth field that sharpens the histogram of the brain when divided out. [1]_

    Parameters
    ----------
    shrink : int, default=4
        The field is estimated on every `shrink`-th voxel along each axis and applied to all.
    iterations : sequence of int, default=(50, 50, 50, 50)
        Maximum number of iterations at each level, from coarse to fine.
    tolerance : float, default=0.001
        Change of the field at which a level ends.
    modalities : sequence of str, default=None
    missing : {"raise", "nan"}, default="raise"
    cache : None, False, str or path, default=None
    n_jobs : int, default=None
    verbose : int, default=0
        These five as in `Resampling`.

    Attributes
    ----------
    modalities_ : list of str
        The columns that are corrected.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        The columns' names.

    References
    ----------
    .. [1] Tustison N. J. et al., "N4ITK: improved N3 bias correction", IEEE Transactions on
           Medical Imaging 29(6), 2010.

    Examples
    --------
    >>> import numpy as np, pandas as pd, SimpleITK as sitk
    >>> from sklidh.images import BiasFieldCorrection
    >>> shading = np.linspace(1, 2, 16)
    >>> tissue = np.random.default_rng(0).choice([100.0, 200.0], size=(16, 16, 16))
    >>> X = pd.DataFrame({"T1": [sitk.GetImageFromArray(tissue * shading)]}, index=["P1"])
    >>> correction = BiasFieldCorrection(shrink=1, iterations=[20], cache=False)
    >>> image = correction.fit_transform(X)["T1"].iloc[0]
    >>> dark = sitk.GetArrayFromImage(image)[tissue == 100]
    >>> bool(dark.std() / dark.mean() < shading.std() / shading.mean())
    True
    """

    _parameter_constraints: dict = {
        **ImagePreparation._parameter_constraints,
        "shrink": [Interval(Integral, 1, None, closed="left")],
        "iterations": ["array-like"],
        "tolerance": [Interval(Real, 0, None, closed="neither")],
    }
    _name = "bias-field"
    _arithmetic = 1

    def __init__(
        self,
        *,
        shrink=4,
        iterations=(50, 50, 50, 50),
        tolerance=0.001,
        modalities=None,
        missing="raise",
        cache=None,
        n_jobs=None,
        verbose=0,
    ):
        self.shrink = shrink
        self.iterations = iterations
        self.tolerance = tolerance
        self.modalities = modalities
        self.missing = missing
        self.cache = cache
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _preparation(self, column):
        return partial(
            correct_bias_field,
            shrink=self.shrink,
            iterations=tuple(int(n) for n in self.iterations),
            tolerance=self.tolerance,
        )
