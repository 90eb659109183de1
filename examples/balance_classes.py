"""
Unbalanced classes
==================

Few mutants among many wild types: class weights, or resampling with imbalanced-learn.
"""

# %%
# A cohort with few mutants
# -------------------------
# One patient in six is mutant. A model that always predicts wild type has an accuracy of five
# sixths, but is useless.

from tempfile import TemporaryDirectory

import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import (
    InvariantSpecificFusionClassifier,
    LassoCVSelector,
    MannWhitneySelector,
    RadiomicsExtractor,
    make_idh_pipeline,
)
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
kept = y[y == 0].index.union(y[y == 1].index[:7])
X, y = X.loc[kept], y[kept]
y.value_counts().rename("patients").to_frame()

# %%
# Weights or resampling
# ---------------------
# With ``class_weight="balanced"``, both classes have the same total weight. A sampler adds mutants:
# imbalanced-learn's ``Pipeline`` calls it in ``fit``, on the training patients only, and skips it
# in prediction. It is placed right before the fusion, because selected features can be
# interpolated, but images cannot.


def pipeline(**fusion):
    return make_idh_pipeline(
        ["T1CE", "FLAIR"],
        reference=None,
        radiomics=RadiomicsExtractor("paper"),
        deep=None,
        selection=make_pipeline(
            StandardScaler(), MannWhitneySelector(), LassoCVSelector(cv=3, random_state=0)
        ),
        classifier=InvariantSpecificFusionClassifier(random_state=0, **fusion),
    )


def with_sampler(sampler):
    *steps, fusion = pipeline().steps
    return Pipeline([*steps, ("sampler", sampler), fusion])


models = {
    "unweighted": pipeline(),
    "weights": pipeline(class_weight="balanced"),
    "random oversampling": with_sampler(RandomOverSampler(random_state=0)),
    "SMOTE": with_sampler(SMOTE(k_neighbors=3, random_state=0)),
}
figures = {name: cross_validate(model, X, y, cv=3).metrics for name, model in models.items()}

# %%
# Both methods shift the decision threshold, so consider recall and precision together. Each of the
# seven mutants is a seventh of the recall, so differences of one patient are not meaningful.

table = pd.DataFrame(figures).T[["AUC", "Recall", "Precision", "F1"]]
ax = table.plot.bar(figsize=(7, 3.5), rot=0, ylim=(0, 1))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
ax.figure.tight_layout()
