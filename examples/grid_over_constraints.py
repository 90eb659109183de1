"""
A grid over alpha, beta and gamma
=================================

The paper's pipeline step by step, and a grid search over the strengths of its constraints (Eq. 6).
"""

# %%
# The pipeline step by step
# -------------------------
# The steps that :func:`~sklidh.pipeline.make_idh_pipeline` builds. For thirty patients, the
# networks of the deep features are small and briefly trained, and the LASSO has five folds; the
# paper uses ``SANetFeaturizer(n_features=128)`` and ten folds.

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import (
    BatchedGridSearchCV,
    CorrelationPruner,
    InvariantSpecificFusionClassifier,
    LassoCVSelector,
    MannWhitneySelector,
    RadiomicsExtractor,
    RigidRegistration,
    SANetFeaturizer,
    per_modality,
)
from sklidh.datasets import make_glioma_phantoms


def intra():
    features = [
        ("radiomics", RadiomicsExtractor("paper")),
        ("deep", SANetFeaturizer(n_features=8, size=16, max_epochs=1, random_state=0)),
    ]
    return make_pipeline(
        FeatureUnion(features),
        StandardScaler(),
        MannWhitneySelector(alpha=0.05),
        CorrelationPruner(threshold=0.9, random_state=0),
        LassoCVSelector(cv=5, random_state=0),
    )


folder = TemporaryDirectory()
pipeline = Pipeline(
    [
        ("register", RigidRegistration(reference="T2")),
        ("intra", per_modality(intra, ["T1", "T1CE", "T2", "FLAIR"])),
        (
            "fusion",
            InvariantSpecificFusionClassifier(
                groups=[("T1", "T1CE"), ("T2", "FLAIR")], random_state=0
            ),
        ),
    ],
).set_output(transform="pandas")

# %%
# The search
# ----------
# ``BatchedGridSearchCV`` gives the same scores as ``GridSearchCV``, but fits the steps before the
# fusion once per fold and trains the networks of all candidates in one batch.

X, y = make_glioma_phantoms(folder.name, n_patients=30, size=32, spacing=2.0)
grid = {f"fusion__{weight}": [0.1, 0.5, 0.9] for weight in ("alpha", "beta", "gamma")}
search = BatchedGridSearchCV(pipeline, grid, cv=3, scoring="roc_auc", refit=False)
search.fit(X, y)
print(f"best: {search.best_params_}")

# %%
# The mean AUC over the three folds; each cell is the mean over the values of gamma. The AUC of the
# best candidate is optimistic, because it is the maximum of many; only a cross-validation around
# the search (:func:`~sklidh.evaluation.cross_validate`) estimates its performance.

results = pd.DataFrame(search.cv_results_)
results.columns = results.columns.str.removeprefix("param_fusion__")
aucs = results.pivot_table(values="mean_test_score", index="alpha", columns="beta")
ax = plt.figure(figsize=(4.5, 3.2), layout="constrained").add_subplot()
image = ax.imshow(aucs, origin="lower", cmap="cividis")
ax.set(xlabel="beta", ylabel="alpha", xticks=range(3), yticks=range(3))
ax.set_xticklabels(aucs.columns)
ax.set_yticklabels(aucs.index)
_ = ax.figure.colorbar(image, label="mean AUC")
