"""
Your own selector
=================

Replace a selection step with a scikit-learn selector, and add a selector of your own.
"""

# %%
# A scikit-learn selector
# -----------------------
# Every step has a name, and ``set_params`` replaces it.

from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectKBest, SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh import RadiomicsExtractor, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms

pipeline = make_idh_pipeline(["T1CE", "T2"], deep=None, random_state=0)
pipeline.set_params(intra__T1CE__mannwhitneyselector=SelectKBest(k=20))
pipeline["intra"]

# %%
# A new selector
# --------------
# A selector consists of ``fit`` and a mask; scikit-learn's ``SelectorMixin`` does the rest. This
# one drops features that contain little more than the size of the tumour.


class SizeIndependentSelector(SelectorMixin, BaseEstimator):
    """Drop features whose Spearman correlation with the tumour volume exceeds a threshold."""

    def __init__(self, volume="radiomics__original_shape_VoxelVolume", threshold=0.7):
        self.volume = volume
        self.threshold = threshold

    def fit(self, X, y=None):
        columns = list(X.columns)
        values = validate_data(self, X, ensure_all_finite="allow-nan")
        size = values[:, columns.index(self.volume)]
        correlations = [spearmanr(column, size, nan_policy="omit").statistic for column in values.T]
        # Constant columns have no correlation (NaN) and are kept.
        self.support_ = ~(np.abs(np.nan_to_num(correlations)) > self.threshold)
        return self

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_


# %%
# It is inserted into the branch of every sequence, right after the features.

pipeline = make_idh_pipeline(
    ["T1CE", "T2"], radiomics=RadiomicsExtractor("paper"), deep=None, random_state=0
)
for _, branch, _ in pipeline["intra"].transformers:
    branch.steps.insert(1, ("size", SizeIndependentSelector()))

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=30, size=32, spacing=2.0)
_ = pipeline.fit(X, y)

# %%
# The number of the 873 features left after each step:

counts = {}
for modality in ("T1CE", "T2"):
    selectors = pipeline["intra"].named_transformers_[modality][1:]
    for step, selector in selectors.named_steps.items():
        if isinstance(selector, SelectorMixin):
            counts.setdefault(modality, {})[step] = selector.get_support().sum()

ax = pd.DataFrame(counts).plot.barh(figsize=(7, 3), xlabel="features left")
ax.invert_yaxis()
ax.bar_label(ax.containers[0])
ax.bar_label(ax.containers[1])
ax.figure.tight_layout()
