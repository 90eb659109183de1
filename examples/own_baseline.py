"""
Your own baseline
=================

Write a simple model, and compare it with the pipeline on the same folds.
"""

# %%
# One function that returns an estimator
# --------------------------------------
# A baseline needs nothing else. This one answers a clinician's first question: is the model better
# than the tumour's size and the patient's age?

from functools import partial
from tempfile import TemporaryDirectory

from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import RadiomicsExtractor, make_idh_pipeline
from sklidh.baselines import majority
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import compare, cross_validate
from sklidh.plotting import ForestDisplay


def size_and_age():
    """Build a logistic regression on the tumour's volume and the patient's age."""
    volume = RadiomicsExtractor({"featureClass": {"shape": ["VoxelVolume"]}})
    columns = ColumnTransformer([("size", volume, ["T2", "mask"]), ("age", "passthrough", ["age"])])
    return make_pipeline(columns, StandardScaler(), LogisticRegression())


# %%
# The comparison
# --------------
# All models are evaluated on the same folds. ``compare`` returns the AUC of each model with its
# interval, and tests each model against a reference; p-values are corrected for the number of
# tests.

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
pipeline = make_idh_pipeline(
    ["T1CE", "FLAIR"],
    reference=None,
    radiomics=RadiomicsExtractor({"imageType": {"Original": {}}}),
    random_state=0,
)
models = {"pipeline": pipeline, "size and age": size_and_age(), "majority": majority()}
comparison = compare(models, X, y, partial(cross_validate, cv=5))
ForestDisplay.from_comparison(comparison, reference="pipeline")

# %%
comparison.table.round(2)
