"""The paper's four models are ordinary estimators on the same cohort."""

from functools import partial

import numpy as np
import pytest

from sklidh import RadiomicsExtractor, SANetFeaturizer, make_idh_pipeline
from sklidh.baselines import ablation_models
from sklidh.evaluation import compare, holdout

FIRST_ORDER = {"imageType": {"Original": {}}, "featureClass": {"firstorder": []}}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def models(modalities=("T1", "T1CE", "T2", "FLAIR"), **parameters):
    build = partial(
        make_idh_pipeline,
        modalities,
        radiomics=RadiomicsExtractor(FIRST_ORDER),
        random_state=0,
        **parameters,
    )
    deep = SANetFeaturizer(n_features=8, size=16, max_epochs=1, random_state=0)
    return ablation_models(build, deep=deep, random_state=0)


def test_the_four_models_differ_in_what_the_paper_says():
    built = models()
    assert [name.split(":")[0] for name in built] == [f"Model {i}" for i in range(1, 5)]
    first, second, third, fourth = built.values()
    assert list(first.named_steps) == ["register", "network"]
    kinds = [
        [name for name, _ in model["intra"].transformers[0][1]["featureunion"].transformer_list]
        for model in (second, third, fourth)
    ]
    assert kinds == [["radiomics"], ["radiomics", "deep"], ["radiomics", "deep"]]
    fusions = [type(model["fusion"]).__name__ for model in (second, third, fourth)]
    assert fusions == ["LateFusionClassifier"] * 2 + ["InvariantSpecificFusionClassifier"]


def test_the_network_of_model_1_is_trained_like_those_of_models_3_and_4():
    built = models()
    deep = dict(built["Model 4: both, constraints"]["intra"].transformers[0][1].steps)
    deep = dict(deep["featureunion"].transformer_list)["deep"]
    network = built["Model 1: SA-Net"]["network"]
    assert network.modalities == ["T1", "T1CE", "T2", "FLAIR"]
    for name in ("size", "max_epochs", "lr", "batch_size", "random_state"):
        assert getattr(network, name) == getattr(deep, name)


@pytest.mark.slow
def test_all_four_predict_the_same_patients_some_of_whom_lack_a_sequence(phantoms):
    X, y = phantoms
    X = X.copy()
    X.loc[X.index[[0, 3]], "T1CE"] = None
    built = models(["T1", "T1CE", "FLAIR"], reference=None, missing="nan")
    comparison = compare(built, X, y, holdout)
    assert np.isfinite(comparison.predictions.drop(columns="mutant")).all(axis=None)
    assert len(comparison.table) == 4
