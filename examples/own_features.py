"""
A filter and features of your own
=================================

A step of images and a family of features beside radiomics, held to the same checks as ours.
"""

# %%
# A filter
# --------
# Images enter a step as cells of a table, paths or images in memory, and leave it the same way. In
# a branch, the table has two columns, the sequence's and the mask's.

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
    """Replace every voxel by the median of the cube around it; masks stay as they are."""

    def __init__(self, radius=1):
        self.radius = radius

    def fit(self, X, y=None):
        check_image_and_mask(X)
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        cases = check_image_and_mask(X)  # every file is there, before work begins
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
# Images go in, one row of numbers a patient comes out, with the patients' index. These compare the
# tumour's rim, its outer 4 mm, with what lies within.


class RimFeatures(TransformerMixin, BaseEstimator):
    """Tell the rim of a tumour from its core."""

    def __init__(self, width=4.0):
        self.width = width  # mm

    def fit(self, X, y=None):
        check_image_and_mask(X)
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        cases = check_image_and_mask(X)  # every file is there, before work begins
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
# The index is kept, a batch gives what its patients give one by one, ``fit`` changes no parameter,
# and more: what our own estimators of images are held to.

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
smooth_rim = make_pipeline(MedianFilter(), RimFeatures())
check_image_estimator(smooth_rim, X[["T1CE", "mask"]].head(6), y.head(6))

# %%
# Beside radiomics
# ----------------
# Both go where features go, as in ``make_idh_pipeline(radiomics=...)``. Here, how well single
# features of T1CE tell mutants apart:

features = FeatureUnion([("radiomics", RadiomicsExtractor("paper")), ("own", smooth_rim)])
table = features.set_output(transform="pandas").fit_transform(X[["T1CE", "mask"]])
VolcanoDisplay.from_estimator(MannWhitneySelector().fit(table, y), table, y)
