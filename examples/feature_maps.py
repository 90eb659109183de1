"""
Map the selected features
=========================

Where in the tumour do the features of a model come from?
"""

# %%
# Features that differ between the classes
# ----------------------------------------
# Radiomics of two sequences of synthetic patients, and the two features of each that separate
# mutants and wild types best.

from tempfile import TemporaryDirectory

from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline

from sklidh import RadiomicsExtractor, per_modality
from sklidh.datasets import make_glioma_phantoms
from sklidh.features import write_feature_maps
from sklidh.plotting import FeatureMapDisplay

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=20, size=32, spacing=2.0, misalignment=(0, 0))
settings = {
    "imageType": {"Original": {}, "LoG": {"sigma": [3.0]}},
    "featureClass": {"firstorder": [], "glcm": []},
    "setting": {"binCount": 32},
}
branch = make_pipeline(RadiomicsExtractor(settings), SelectKBest(k=2))
selector = per_modality(branch, ["T1CE", "FLAIR"]).set_output(transform="pandas")
selected = list(selector.fit_transform(X[["T1CE", "FLAIR", "mask"]], y))
selected

# %%
# Their maps over a slice
# -----------------------
# The value at a voxel is the feature of the 27 voxels around it, with the grey levels of the whole
# tumour.

FeatureMapDisplay.from_case(X.iloc[0], selected, settings=settings)

# %%
# A larger neighbourhood
# ----------------------
# PyRadiomics' ``voxelSetting`` is part of the settings. Two voxels on each side make smoother maps:

wide = settings | {"voxelSetting": {"kernelRadius": 2}}
FeatureMapDisplay.from_case(X.iloc[0], selected, settings=wide)

# %%
# NIfTI files
# -----------
# One per patient and feature, in the geometry of the image, for any viewer:

paths = write_feature_maps(X.iloc[:3], selected, f"{folder.name}/maps", settings=wide)
print(paths.iloc[0, 0].removeprefix(folder.name))
