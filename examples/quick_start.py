"""
Quick start
===========

From a table of images to a cross-validated AUC, on forty synthetic patients.
"""

# %%
# Patients
# --------
# One row per patient: one path per sequence, the path of the tumour mask, and other information.
# These patients are synthetic and small, so that everything runs in seconds; for your own patients,
# use ``X, y = load_cohort("cases.csv")``.

from pathlib import Path
from tempfile import TemporaryDirectory

from sklidh import RadiomicsExtractor, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate
from sklidh.plotting import CaseDisplay, ROCDisplay

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0)
X.map(lambda cell: Path(cell).name if isinstance(cell, str) else cell).head(3)

# %%
# Look at a patient before you compute anything. The outline of the tumour was drawn on T2.

CaseDisplay.from_case(X.iloc[1], ["T2"])

# %%
# The pipeline
# ------------
# Registration to T2, features of every sequence, selection and fusion, as one scikit-learn
# Pipeline. Features that do not depend on other patients are kept in ``memory`` and computed once.

pipeline = make_idh_pipeline(
    ["T1CE", "T2", "FLAIR"],
    radiomics=RadiomicsExtractor("paper"),
    memory=f"{folder.name}/cache",
    random_state=0,
)
pipeline

# %%
# Cross-validation
# ----------------
# Every patient is predicted once, by a model that was not trained on this patient: selection and
# networks are refitted on the training patients of each fold. The interval is DeLong's. With forty
# patients it is wide: a cohort this small does not allow a more precise statement.

result = cross_validate(pipeline, X, y, cv=3)
low, high = result.auc_interval
print(f"AUC {result.metrics['AUC']:.2f}, 95 % interval {low:.2f} to {high:.2f}")

predictions = result.predictions
ROCDisplay.from_predictions(predictions["true"], {"pipeline": predictions["score"]})

# sphinx_gallery_thumbnail_number = 2
