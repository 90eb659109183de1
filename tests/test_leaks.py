"""No information of test patients reaches training, and a real signal is found."""

import pytest

from sklidh import BatchedGridSearchCV, RadiomicsExtractor, SANetFeaturizer, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:MannWhitneySelector", "ignore:LassoCVSelector"),
]


def nested_evaluation(folder, deep, **cohort):
    """Search over alpha inside every training fold, over all steps from the images on.

    Every modality goes the same way, so two of them do.
    """
    X, y = make_glioma_phantoms(folder / "cohort", **cohort)
    pipeline = make_idh_pipeline(
        ["T1CE", "T2"],
        radiomics=RadiomicsExtractor({"imageType": {"Original": {}}}, cache=folder / "cache"),
        deep=deep,
        cache=folder / "cache",
        random_state=0,
    )
    # A seventh of the samples, because registration quality does not matter here.
    pipeline.set_params(register__n_samples=4000)
    search = BatchedGridSearchCV(pipeline, {"fusion__alpha": [0.3, 0.9]}, cv=2, scoring="roc_auc")
    return cross_validate(search, X, y, cv=3)


def test_without_a_difference_between_the_classes_the_interval_includes_one_half(tmp_path):
    # Every kind of step, networks too.
    deep = SANetFeaturizer(n_features=16, size=16, max_epochs=1, random_state=0)
    cohort = {"n_patients": 40, "size": 24, "spacing": 2.7, "effect": 0.0}
    low, high = nested_evaluation(tmp_path, deep, **cohort).auc_interval
    assert low < 0.5 < high


def test_with_a_difference_the_nested_auc_is_at_least_085(tmp_path):
    # Networks trained for one epoch would only add time.
    cohort = {"n_patients": 80, "size": 32, "spacing": 2.0, "effect": 1.0}
    evaluation = nested_evaluation(tmp_path, None, **cohort)
    assert evaluation.metrics["AUC"] >= 0.85
