"""
IBSI's filters
==============

Describe tumours by their responses to IBSI's convolutional filters, and see which responses
separate mutants from wild types.
"""

# %%
# Settings
# --------
# Filters are image types, in the same section as PyRadiomics' own. Here the features are IBSI's
# intensity statistics. A response has another range than the image, so features that need bins
# would get their own number of them.

from tempfile import TemporaryDirectory

import pandas as pd
from sklearn.metrics import roc_auc_score

from sklidh import RadiomicsExtractor
from sklidh.datasets import make_glioma_phantoms

settings = {
    "preset": "ibsi",
    "imageType": {
        "Original": {},
        "Mean": {"support": [3]},
        "LaplacianOfGaussian": {"sigma": [3.0, 6.0]},
        "Laws": {"kernels": ["L5E5E5", "S5S5S5"], "rotationInvariance": True, "energyDistance": 3},
        "Gabor": {"sigma": [4.0], "wavelength": [8.0], "thetaStep": 45},
        "SeparableWavelet": {"wavelet": "haar", "subBands": ["LLH"], "rotationInvariance": True},
        "NonseparableWavelet": {"levels": [1, 2]},
    },
    "featureClass": {"stat": ["mean", "var", "skew", "p10", "p90", "rms"]},
}

# %%
# Features
# --------

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
table = RadiomicsExtractor(settings).fit_transform(X[["T1CE", "mask"]])
table.shape

# %%
# Which responses separate the classes
# ------------------------------------
# The AUC of each feature alone, in either direction:

auc = table.apply(lambda values: roc_auc_score(y, values)).map(lambda a: max(a, 1 - a))
parts = auc.index.str.split("_", n=2, expand=True)
by_image = auc.set_axis(parts).unstack(-1).droplevel(1)
by_image.loc[list(dict.fromkeys(parts.get_level_values(0)))].round(2)

# %%
# An image type that is worth keeping goes into the settings of a pipeline as it is; its columns
# are selected like any others.

best = by_image.stack().nlargest(3)
pd.DataFrame({"AUC": best.round(2)})
