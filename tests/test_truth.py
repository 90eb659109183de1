"""Planted signals are found in the right place, and no system has a leak."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from sklidh import RadiomicsExtractor, SANetFeaturizer, make_idh_pipeline, per_modality
from sklidh.baselines import PAPER_TABLES, constraint_fusion, paper_systems
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import audit, holdout, holdout_splits
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.plotting import BlockImportanceDisplay

FIRST_ORDER = {"imageType": {"Original": {}}, "featureClass": {"firstorder": []}}
MODALITIES = ("T1", "T1CE", "T2", "FLAIR")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:MannWhitneySelector", "ignore:LassoCVSelector"),
]


NETWORKS = ("Model 1 (SA-Net)", "Zhang et al. 2021 [8]", "Zhang et al. 2022 [10]")


def features(signal, n_patients=60, seed=0):
    """Draw four columns per modality; `signal` shifts the first of each in mutants."""
    rng = np.random.default_rng(seed)
    patients = [f"P{i:02d}" for i in range(n_patients)]
    y = pd.Series(np.resize([0, 1], n_patients), patients)
    columns = [f"{modality}__f{i}" for modality in MODALITIES for i in range(4)]
    X = pd.DataFrame(rng.normal(size=(n_patients, len(columns))), patients, columns)
    for modality, shift in signal.items():
        X[f"{modality}__f0"] += shift * y
    X["age"] = 50 - 10 * sum(signal.values()) / 4 * y + rng.normal(0, 10, n_patients)
    return X, y


def systems(folder, selection, modalities=MODALITIES, **options):
    """Build all available systems with a shared memory of fitted steps."""
    build = partial(
        make_idh_pipeline,
        modalities,
        radiomics=RadiomicsExtractor(FIRST_ORDER),
        selection=selection,
        random_state=0,
        memory=str(folder),
    )
    models = {}
    for name, system in paper_systems(build, random_state=0, **options).items():
        try:
            models[name] = system.make()
        except ValueError:
            continue
    return models


@pytest.mark.slow
def test_no_system_of_the_paper_s_tables_leaks(tmp_path, quick_selection):
    models = systems(tmp_path, quick_selection, features_only=True)
    assert len(models) == 18
    X, y = features({"T1CE": 1.0, "FLAIR": 1.0}, n_patients=60)
    table = audit(models, X, y, n_rounds=2, evaluate=partial(holdout, test_size=0.5))
    assert (table["result"] == "no leak found").all(), table["result"].to_dict()
    assert table[["permuted", "noise"]].notna().all(axis=None)


@pytest.mark.slow
def test_no_system_that_starts_from_images_leaks(phantoms, tmp_path, quick_selection):
    X, y = phantoms
    deep = SANetFeaturizer(n_features=4, size=16, max_epochs=1, random_state=0)
    wanted = (
        "Model 1 (SA-Net)",
        "Model 2 (radiomics)",
        "Model 3 (late fusion)",
        "Model 4 (proposed)",
        "Zhang et al. 2022 [10]",
    )
    # All modalities use the same code, so two are enough.
    built = systems(tmp_path, quick_selection, ["T1CE", "T2"], deep=deep)
    models = {name: built[name] for name in wanted}
    images = X[["T1CE", "T2", "mask"]]
    table = audit(models, images, y, n_rounds=1, evaluate=partial(holdout, test_size=4))
    # With so few patients the AUCs are not informative; the recorded fits are.
    assert table["result"].str.startswith("inconclusive").all(), table["result"].to_dict()
    assert (table[["saw test rows", "fitted before"]] == "").all(axis=None)


@pytest.mark.slow
def test_every_system_improves_with_a_stronger_effect(tmp_path, quick_selection):
    aucs = []
    for effect in (0.0, 2.5):
        X, y = features(dict.fromkeys(MODALITIES, effect), n_patients=60)
        models = systems(tmp_path, quick_selection, features_only=True)
        aucs.append({n: holdout(m, X, y, test_size=0.5).metrics["AUC"] for n, m in models.items()})
    none, strong = (pd.Series(row).drop("Class frequencies") for row in aucs)
    assert (strong > none).all()
    assert strong.min() > 0.85


@pytest.mark.slow
def test_every_system_improves_with_a_stronger_effect_on_images(tmp_path, quick_selection):
    settings, networks = {"imageType": {"Original": {}}}, NETWORKS
    radiomics = RadiomicsExtractor(settings, cache=tmp_path / "cache")
    deep = SANetFeaturizer(n_features=4, size=16, max_epochs=3, lr=0.003, random_state=0)
    # All use the same split, so that the features can be shared.
    evaluate = partial(holdout, test_size=0.5, random_state=0)
    aucs = []
    for effect in (0.0, 2.5):
        X, y = make_glioma_phantoms(
            tmp_path / str(effect), 24, size=32, spacing=2.0, effect=effect, misalignment=(0, 0)
        )
        (split,) = holdout_splits(y.to_numpy(), test_size=0.5, random_state=0)
        both = per_modality(FeatureUnion([("radiomics", radiomics), ("deep", deep)]))
        both.set_output(transform="pandas").fit(X.iloc[split.train], y.iloc[split.train])
        columns = both.transform(X)
        build = partial(
            make_idh_pipeline,
            reference=None,
            radiomics=radiomics,
            selection=quick_selection,
            random_state=0,
            memory=str(tmp_path / "steps"),
        )
        auc = {}
        for name in {row.system for table in PAPER_TABLES.values() for row in table.rows}:
            on_images = name in networks
            system = paper_systems(build, deep=deep, features_only=not on_images, random_state=0)[
                name
            ]
            if system.modalities:
                table = X if on_images else columns
                auc[name] = evaluate(system.make(), table, y).metrics["AUC"]
        aucs.append(pd.Series(auc))
    none, strong = aucs
    assert len(strong) == 18
    assert (strong > none + 0.1).all(), pd.DataFrame(aucs).T
    assert strong["Model 4 (proposed)"] > 0.8


@pytest.mark.slow
def test_block_importance_finds_the_modality_that_carries_the_signal():
    X, y = features({"T2": 2.5}, n_patients=80)
    build = partial(make_idh_pipeline, groups=None, random_state=0)
    half = np.arange(80) < 40
    model = constraint_fusion(build, features_only=True).fit(X[half], y[half])
    importance = BlockImportanceDisplay.from_estimator(model, X[~half], y[~half]).importance
    assert importance["mean"].idxmax() == "T2"
    assert importance.loc["T2", "mean"] > 3 * importance["mean"].drop("T2").abs().max()


def test_a_signal_in_two_modalities_is_found_by_fusion_and_not_by_either_modality():
    # Both see the same nuisance, ten times the signal; T1CE sees the signal on top of it.
    rng = np.random.default_rng(0)
    y = np.resize([0, 1], 200)
    nuisance = rng.normal(0, 5, 200)
    X = pd.DataFrame({"T1__a": nuisance, "T1CE__a": nuisance + y - 0.5})
    X = X + rng.normal(0, 0.1, X.shape)
    X = X / X.std()
    fusion = InvariantSpecificFusionClassifier(
        difference="xcorr", max_epochs=600, n_members=3, random_state=0
    )
    evaluate = partial(holdout, test_size=0.5)
    together = evaluate(fusion, X, y).metrics["AUC"]
    alone = [evaluate(LogisticRegression(), X[[c]], y).metrics["AUC"] for c in X]
    assert together > 0.85
    assert max(alone) < 0.65
