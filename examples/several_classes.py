"""
Three classes
=============

Predict IDH wild type, IDH mutant with 1p/19q intact, and IDH mutant with 1p/19q codeleted, the
classes of WHO 2021.
"""

# %%
# A target with words
# -------------------
# Three or more values in the target's column are as many classes. ``load_cohort`` returns them as
# ordered categories, here in alphabetical order.

from tempfile import TemporaryDirectory

from sklidh import RadiomicsExtractor, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import Comparison, cross_validate
from sklidh.plotting import ConfusionMatrixDisplay, ROCDisplay

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(
    folder.name, 60, size=32, spacing=2.0, misalignment=(0, 0), target="subtype"
)
y.value_counts()

# %%
# Each class against the rest
# ---------------------------
# Figures are means over the classes, except for the accuracy.

pipeline = make_idh_pipeline(
    ["T1CE", "T2", "FLAIR"],
    reference=None,
    radiomics=RadiomicsExtractor({"imageType": {"Original": {}}}),
    random_state=0,
)
evaluation = cross_validate(pipeline, X, y, cv=3)
evaluation

# %%
# Every class has the figures of a binary target.

for word, part in evaluation.by_class.items():
    low, high = part.auc_interval
    print(f"{word}: AUC {part.metrics['AUC']:.2f} [{low:.2f}, {high:.2f}]")

# %%
# Which classes are mistaken for which
# ------------------------------------

ConfusionMatrixDisplay.from_evaluation(evaluation)

# %%
ROCDisplay.from_comparison(Comparison({"pipeline": evaluation}))
