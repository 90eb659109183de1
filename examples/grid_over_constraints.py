"""The paper's pipeline written out, and a grid over alpha, beta and gamma (paper Eq. 6)."""

# --
from tempfile import TemporaryDirectory

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
        # The paper's networks: SANetFeaturizer(n_features=128). Here small and short.
        ("deep", SANetFeaturizer(n_features=16, size=16, max_epochs=2, random_state=0)),
    ]
    return make_pipeline(
        FeatureUnion(features),
        StandardScaler(),
        MannWhitneySelector(alpha=0.05),
        CorrelationPruner(threshold=0.9, random_state=0),
        LassoCVSelector(cv=10, random_state=0),
    )


with TemporaryDirectory() as folder:
    X, y = make_glioma_phantoms(folder, n_patients=30, size=32, spacing=2.0)
    pipe = Pipeline(
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
        memory=folder,
    ).set_output(transform="pandas")
    grid = {f"fusion__{weight}": [0.3, 0.7] for weight in ("alpha", "beta", "gamma")}
    # GridSearchCV gives the same; this one fits the steps before the fusion once per fold, and
    # trains the networks of all candidates together.
    search = BatchedGridSearchCV(pipe, grid, cv=2, scoring="roc_auc").fit(X, y)

print(f"best weights {search.best_params_}: AUC {search.best_score_:.2f}")
