"""Nothing of a test patient reaches training: without a signal the whole pipeline finds none."""

import pytest
from sklearn.model_selection import GridSearchCV

from sklidh import RadiomicsExtractor, SANetFeaturizer, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:MannWhitneySelector", "ignore:LassoCVSelector"),
]


def nested_evaluation(folder, effect):
    """Search over alpha inside every training fold: images, networks, selection and fusion."""
    X, y = make_glioma_phantoms(folder / "cohort", 60, size=32, spacing=2.0, effect=effect)
    pipeline = make_idh_pipeline(
        ["T1CE", "T2", "FLAIR"],
        radiomics=RadiomicsExtractor({"imageType": {"Original": {}}}, cache=folder / "cache"),
        deep=SANetFeaturizer(n_features=16, size=16, max_epochs=1, random_state=0),
        cache=folder / "cache",
        memory=str(folder / "memory"),
        random_state=0,
    )
    search = GridSearchCV(pipeline, {"fusion__alpha": [0.3, 0.9]}, cv=2, scoring="roc_auc")
    return cross_validate(search, X, y, cv=3)


def test_without_a_difference_between_the_classes_the_interval_holds_one_half(tmp_path):
    low, high = nested_evaluation(tmp_path, effect=0.0).auc_interval
    assert low < 0.5 < high


def test_with_a_difference_the_nested_auc_is_at_least_085(tmp_path):
    assert nested_evaluation(tmp_path, effect=1.0).metrics["AUC"] >= 0.85
