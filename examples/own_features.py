"""
Your own filter and features
============================

Write an image filter and a family of features that pass the checks of the package's own steps.
"""

# %%
# A filter
# --------
# Input and output of an image step are tables whose cells are paths or images in memory. In a
# branch, the table has two columns: the sequence and the mask.

from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy.ndimage import distance_transform_edt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh import MannWhitneySelector, RadiomicsExtractor
from sklidh.datasets import make_glioma_phantoms
from sklidh.images import read_case
from sklidh.plotting import VolcanoDisplay
from sklidh.utils import check_image_and_mask
from sklidh.utils.estimator_checks import check_image_estimator


class MedianFilter(TransformerMixin, BaseEstimator):
    """Replace every voxel by the median of the cube around it; masks are not changed."""

    def __init__(self, radius=1):
        self.radius = radius

    def fit(self, X, y=None):
        check_image_and_mask(X)
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        cases = check_image_and_mask(X)  # checks that all files exist
        modality, mask = cases.columns
        images = []
        for patient, case in cases.iterrows():
            image, _ = read_case(case[modality], case[mask], patient=patient, modality=modality)
            images.append(sitk.Median(image, [self.radius] * 3))
        return X.assign(**{modality: pd.Series(images, index=X.index, dtype=object)})

    def get_feature_names_out(self, input_features=None):
        check_is_fitted(self)
        return self.feature_names_in_


# %%
# A family of features
# --------------------
# The input is a table of images, the output one row of numbers per patient with the same index.
# These features compare the rim of the tumour, its outer 4 mm, with the core.


class RimFeatures(TransformerMixin, BaseEstimator):
    """Compare brightness and heterogeneity of the rim of a tumour with its core."""

    def __init__(self, width=4.0):
        self.width = width  # mm

    def fit(self, X, y=None):
        check_image_and_mask(X)
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        cases = check_image_and_mask(X)  # checks that all files exist
        modality, mask = cases.columns
        rows = []
        for patient, case in cases.iterrows():
            image, region = read_case(
                case[modality], case[mask], patient=patient, modality=modality
            )
            voxels, tumour = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(region) > 0
            depth = distance_transform_edt(tumour, sampling=image.GetSpacing()[::-1])
            rim, core = voxels[tumour & (depth <= self.width)], voxels[depth > self.width]
            rows.append([rim.mean() / core.mean(), rim.std() / core.std()])
        return pd.DataFrame(rows, index=X.index, columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features=None):
        check_is_fitted(self)
        return np.array(["rim_brightness", "rim_heterogeneity"], dtype=object)


# %%
# The checks
# ----------
# The checks cover, among others, that the index is kept, that a batch gives the same result as its
# patients one by one, and that ``fit`` changes no parameter. The package's own image estimators
# pass the same checks.

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
smooth_rim = make_pipeline(MedianFilter(), RimFeatures())
check_image_estimator(smooth_rim, X[["T1CE", "mask"]].head(6), y.head(6))

# %%
# Together with radiomics
# -----------------------
# Both can be used like the package's features, as in ``make_idh_pipeline(radiomics=...)``. The plot
# shows how well single features of T1CE distinguish mutants from wild types:

features = FeatureUnion([("radiomics", RadiomicsExtractor("paper")), ("own", smooth_rim)])
table = features.set_output(transform="pandas").fit_transform(X[["T1CE", "mask"]])
VolcanoDisplay.from_estimator(MannWhitneySelector().fit(table, y), table, y)
