"""A selector of your own: keep the features that hardly depend on the tumour's size."""

# --
import numpy as np
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh import make_idh_pipeline


class SizeIndependentSelector(SelectorMixin, BaseEstimator):
    """Drop features whose Spearman correlation with the tumour's volume is above a bar."""

    def __init__(self, volume="radiomics__original_shape_VoxelVolume", threshold=0.7):
        self.volume = volume
        self.threshold = threshold

    def fit(self, X, y=None):
        columns = list(X.columns)
        values = validate_data(self, X, ensure_all_finite="allow-nan")
        size = values[:, columns.index(self.volume)]
        correlations = [spearmanr(column, size, nan_policy="omit").statistic for column in values.T]
        # A constant column has no correlation: it depends on nothing, and stays.
        self.support_ = ~(np.abs(np.nan_to_num(correlations)) > self.threshold)
        return self

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_


pipeline = make_idh_pipeline()
for modality in ("T1", "T1CE", "T2", "FLAIR"):
    branch = pipeline["intra"].get_params()[modality]
    branch.steps.insert(1, ("size", SizeIndependentSelector()))
print(list(branch.named_steps))
