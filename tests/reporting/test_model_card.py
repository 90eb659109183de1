"""The model card has the figures of the evaluation, or says that there are none."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from sklidh.evaluation import figures_with_intervals
from sklidh.reporting import card_of_training
from sklidh.reporting._model_card import card_of_run

COVERED = {
    "patients": 7,
    "classes": {"0": 4, "1": 3},
    "sites": ["Basel", "<b>Bern</b>"],
    "modalities": {
        "T1": {"patients": 7, "spacing": [[1.0, 1.0, 2.0], [1.0, 1.0, 5.0]]},
        "FLAIR": {"patients": 0, "spacing": []},
    },
}


def test_the_card_of_a_run_has_its_figures_with_their_intervals(run):
    name, shown = run.shown
    text = card_of_run(run).markdown()
    for metric, figure in figures_with_intervals({name: shown}).loc[name].items():
        assert f"| {metric} | {figure} |" in text


def test_the_card_tells_limits_use_and_versions(run):
    text = card_of_run(run).markdown()
    for said in (
        "Few patients.",
        "not a medical device",
        "- sklidh 0.1.0",
        "- seed: 7",
        "30 patients",
    ):
        assert said in text


def test_no_text_on_the_card_is_html_or_breaks_its_table(run):
    text = card_of_run(run).markdown()
    assert "<" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_card_of_a_trained_model_tells_the_cohort_and_claims_no_figure():
    pipeline = Pipeline([("model", LogisticRegression(C=3))])
    card = card_of_training("IDH of Basel", pipeline, COVERED, 0.4, settings={"seed": 5})
    assert "none is left for testing" in card.markdown()
    text = card.markdown()
    for said in (
        "# Model card: IDH of Basel",
        "7 patients: 4 of class 0, 3 of class 1.",
        "Sites: Basel, &lt;b&gt;Bern&lt;/b&gt;.",
        "T1: 7 patients, voxels of 1 x 1 x 2 to 1 x 1 x 5 mm.",
        "FLAIR: 0 patients.",
        "LogisticRegression(C=3)",
        "Predicted mutant from: a probability of 0.4.",
        "seed: 5",
    ):
        assert said in text
    assert not card.figures
    assert "AUC" not in text


def test_the_card_of_a_trained_model_takes_the_figures_of_its_evaluation_and_names_what_differs(
    run,
):
    pipeline = Pipeline([("model", LogisticRegression())])
    settings = {"model": run.shown[0], "epochs": 3, "slice_size": 72, "jobs": 4}
    card = card_of_training("IDH", pipeline, COVERED, 0.4, settings=settings, evaluated=run)
    name, shown = run.shown
    assert card.figures == figures_with_intervals({name: shown}).loc[name].to_dict()
    assert card.limits[0] == "epochs: 20 in the evaluated model, 3 in this one."
    assert card.limits[1:3] == run.notes
    assert (
        "30 patients: One random split within the classes: 20 patients for training"
        in card.evaluated
    )
