"""
Features that survive a second scan and a second contour
========================================================

Perturb every training image and mask, and keep the features that hardly change.
"""

# %%
# Each copy of an image is turned by a few degrees, shifted by part of a voxel, and has noise of the
# image's own level added; the contour grows or shrinks, and follows supervoxels.

from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk

from sklidh import BRNNClassifier, RadiomicsExtractor, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate
from sklidh.images import Perturbations, perturbed_images
from sklidh.plotting import RobustnessDisplay

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=18, size=32, spacing=2.0, misalignment=(0, 0))
volume, mask = (sitk.GetArrayFromImage(sitk.ReadImage(path)) for path in X[["T2", "mask"]].iloc[0])
copies = perturbed_images(volume, {"tumour": mask > 0}, (2.0, 2.0, 2.0), Perturbations(number=4))
[int(np.count_nonzero(masks["tumour"])) for _, masks in copies], np.count_nonzero(mask)

# %%
# In the pipeline
# ---------------
# ``perturbations`` makes the extractor append the copies' features as columns. The pipeline then
# starts its selection with a ``RobustnessSelector``, which reads and drops them.

small = {"imageType": {"Original": {}}}
pipeline = make_idh_pipeline(
    ["T1CE", "T2"],
    radiomics=RadiomicsExtractor(small, perturbations=3),
    reference=None,
    classifier=BRNNClassifier(),
    random_state=0,
)
pipeline["intra"].transformers[0][1]

# %%
# Everything is fitted in the fold: the copies of held-out patients are not even made.

evaluation = cross_validate(pipeline, X, y, cv=3)
evaluation.metrics["AUC"]

# %%
# What one fold's model found
# ---------------------------

RobustnessDisplay.from_estimator(evaluation.estimators[0])
