"""A model is saved without code or patients, and a file that is anything else is refused."""

import copy
import io
import json
import pickle
import subprocess
import sys
import zipfile
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import (
    SelectKBest,
    SelectorMixin,
    chi2,
    f_classif,
    f_regression,
    mutual_info_classif,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import sklidh
from sklidh import (
    BRNNClassifier,
    CorrelationPruner,
    InvariantSpecificFusionClassifier,
    LassoCVSelector,
    LateFusionClassifier,
    MannWhitneySelector,
    RadiomicsExtractor,
    SANetClassifier,
    SANetFeaturizer,
    load_model,
    make_idh_pipeline,
    save_model,
)
from sklidh.baselines import from_features
from sklidh.evaluation import ConformalClassifier
from sklidh.persistence import ModelFileError, parts_of, read_about
from sklidh.persistence._trust import HOMES, is_our_estimator, path_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FIRST_ORDER = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean", "Range"]}}


@pytest.fixture(scope="module")
def fitted(phantoms, tmp_path_factory):
    """Return a fitted pipeline with every kind of part, and its patients."""
    X, y = phantoms
    memory = tmp_path_factory.mktemp("steps-of-this-machine")
    pipeline = make_idh_pipeline(
        ["T2", "FLAIR"],
        radiomics=RadiomicsExtractor(FIRST_ORDER),
        deep=SANetFeaturizer(n_features=3, size=16, max_epochs=1),
        classifier=InvariantSpecificFusionClassifier(max_epochs=5, random_state=0),
        memory=str(memory),
        random_state=0,
    )
    return pipeline.fit(X, y), X, y


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "idh.skops"
    save_model(fitted[0], path, about={"cohort": {"patients": 12}})
    return path


def table(n=24):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    columns = [f"{modality}__{number}" for modality in ("T1", "T2") for number in range(4)]
    return pd.DataFrame(rng.normal(size=(n, 8)) + y[:, None], columns=columns), y


def small_model(path):
    save_model(MannWhitneySelector().fit(*table()), path)
    return path


@pytest.mark.slow
def test_a_new_process_predicts_the_same_bits(fitted, saved, tmp_path):
    pipeline, X, _ = fitted
    X.to_pickle(tmp_path / "X.pkl")
    code = (
        "import sys, numpy, pandas, sklidh; model, X, out = sys.argv[1:]\n"
        "numpy.save(out, sklidh.load_model(model).predict_proba(pandas.read_pickle(X)))"
    )
    files = saved, tmp_path / "X.pkl", tmp_path / "probability.npy"
    subprocess.run([sys.executable, "-c", code, *map(str, files)], check=True)
    np.testing.assert_array_equal(np.load(files[-1]), pipeline.predict_proba(X))


def test_the_file_tells_people_what_is_in_it(saved):
    about = read_about(saved)
    assert list(about["steps"]) == ["register", "intra", "fusion"]
    assert about["classes"] == [0, 1]
    assert about["cohort"] == {"patients": 12}
    assert about["versions"]["sklidh"] == sklidh.__version__


def test_neither_patients_nor_folders_of_this_machine_are_in_the_file(fitted, saved):
    pipeline, X, _ = fitted
    data = saved.read_bytes()
    for text in (*X.index, *X["FLAIR"], pipeline.memory):
        assert text.encode() not in data
    assert len(pipeline["register"].report_) == len(X)  # the model itself is as it was
    assert pipeline.memory is not None


ARRAYS_IN = [
    MannWhitneySelector(),
    CorrelationPruner(random_state=0),
    LassoCVSelector(cv=3, random_state=0),
    BRNNClassifier(random_state=0),
    LateFusionClassifier(BRNNClassifier(random_state=0), method="regression"),
    InvariantSpecificFusionClassifier(max_epochs=5, n_members=2, random_state=0),
    GridSearchCV(
        InvariantSpecificFusionClassifier(max_epochs=5, random_state=0),
        {"alpha": [0.3, 0.9]},
        cv=StratifiedKFold(2),
        scoring="roc_auc",
    ),
]


def answers(estimator, X):
    names = ("transform", "predict_proba", "predict")
    return [np.asarray(getattr(estimator, name)(X)) for name in names if hasattr(estimator, name)]


@pytest.mark.parametrize("estimator", ARRAYS_IN, ids=lambda estimator: type(estimator).__name__)
def test_saved_pickled_or_copied_it_answers_the_same_bits(estimator, tmp_path):
    X, y = table()
    estimator = clone(estimator).fit(X, y)
    save_model(estimator, tmp_path / "model.skops")
    twins = (
        load_model(tmp_path / "model.skops"),
        pickle.loads(pickle.dumps(estimator)),
        copy.deepcopy(estimator),
    )
    for twin in twins:
        for one, other in zip(answers(estimator, X), answers(twin, X), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_search_scores_as_before(tmp_path):
    X, y = table()
    search = clone(ARRAYS_IN[-1]).fit(X, y)
    save_model(search, tmp_path / "search.skops")
    again = load_model(tmp_path / "search.skops")
    assert again.score(X, y) == search.score(X, y)
    assert again.best_params_ == search.best_params_


def test_a_pipeline_that_starts_from_features_comes_back(tmp_path):
    X, y = table()
    steps = make_idh_pipeline(["T1", "T2"], reference=None, deep=None, random_state=0)
    steps.set_params(fusion__max_epochs=5)
    pipeline = from_features(steps).fit(X, y)
    save_model(pipeline, tmp_path / "model.skops")
    again = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(again.predict_proba(X), pipeline.predict_proba(X))


@pytest.mark.slow
def test_several_networks_in_one_estimator_come_back(phantoms, tmp_path):
    X, y = phantoms
    model = SANetClassifier(3, modalities=["T1", "T2"], size=16, max_epochs=1, random_state=0)
    save_model(model.fit(X, y), tmp_path / "model.skops")
    again = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_every_public_estimator_is_trusted_and_nothing_else_of_ours():
    for home in HOMES:
        package = import_module(home)
        for name in package.__all__:
            item = getattr(package, name)
            estimator = isinstance(item, type) and issubclass(item, BaseEstimator)
            assert is_our_estimator(path_of(item) if callable(item) else name) == estimator


class EveryColumn(SelectorMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_columns_ = X.shape[1]
        return self

    def _get_support_mask(self):
        return np.ones(self.n_columns_, bool)


@pytest.mark.parametrize("score", [chi2, f_classif, f_regression, mutual_info_classif])
def test_a_selector_is_saved_with_the_score_it_ranks_columns_by(score, tmp_path):
    X = np.arange(24.0).reshape(8, 3) % 7
    model = SelectKBest(score, k=2).fit(X, [0, 1] * 4)
    save_model(model, tmp_path / "model.skops")
    assert load_model(tmp_path / "model.skops").score_func is score


def test_types_of_your_own_are_refused_until_named(tmp_path):
    model = EveryColumn().fit(np.zeros((2, 3)))
    own = path_of(EveryColumn)
    with pytest.raises(ModelFileError, match=r"EveryColumn.*cannot be saved.*trusted="):
        save_model(model, tmp_path / "model.skops")
    assert not any(tmp_path.iterdir())
    save_model(model, tmp_path / "model.skops", trusted=[own])
    with pytest.raises(ModelFileError, match=r"EveryColumn.*is not loaded from"):
        load_model(tmp_path / "model.skops")
    assert load_model(tmp_path / "model.skops", trusted=[own]).n_columns_ == 3


def test_what_is_not_plain_is_named(tmp_path):
    model = MannWhitneySelector().fit(*table())
    model.notes_ = pd.DataFrame({"a": [1]})
    with pytest.raises(ModelFileError, match=r"MannWhitneySelector\.notes_ \(a DataFrame\)"):
        save_model(model, tmp_path / "model.skops")


def test_a_model_that_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        save_model(MannWhitneySelector(), tmp_path / "model.skops")


class Bomb:
    """What pickle calls open() for: the file tells that it did."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, files, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def rewritten(change):
    """Return a forgery that changes the entries of a good file."""

    def forge(path, marker):
        files = entries(path)
        write(path, change(files, marker))

    return forge


def with_json(name, change):
    def changed(files, marker):
        content = json.loads(files[name])
        return files | {name: json.dumps(change(content, marker)).encode()}

    return rewritten(changed)


def a_pickle(path, marker):
    path.write_bytes(pickle.dumps(Bomb(marker)))


def arrays_that_are_pickles(files, marker):
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    return {n: buffer.getvalue() if n.endswith(".npy") else data for n, data in files.items()}


def a_call(schema, marker):
    argument = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
    argument["content"] = json.dumps(str(marker))
    node = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode"}
    called = {"__class__": "open", "__module__": "io", "__loader__": "ConstructorFromReduceNode"}
    return schema | called | {"content": node | {"content": [argument]}}


def a_function_of_ours(schema, marker):
    return a_call(schema, marker) | {"__module__": "sklidh.images", "__class__": "read_image"}


def bytes_flipped(path, marker):
    data = bytearray(path.read_bytes())
    middle = data.index(b"NUMPY") + 80
    data[middle] ^= 255
    path.write_bytes(data)


def older(package):
    def change(about, marker):
        return about | {"versions": about["versions"] | {package: "0.0.1"}}

    return with_json("sklidh.json", change)


FORGERIES = {
    "a pickle": (a_pickle, "not a model written by save_model"),
    "pickles inside": (rewritten(arrays_that_are_pickles), "allow_pickle=False"),
    "a call": (with_json("schema.json", a_call), "'io.open' is not loaded"),
    "a call of ours": (with_json("schema.json", a_function_of_ours), "read_image' is not loaded"),
    "no schema": (rewritten(lambda f, _: f | {"schema.json": b"[]"}), "damaged, or not written"),
    "nested": (
        rewritten(lambda f, _: f | {"schema.json": b"[" * 10**5 + b"]" * 10**5}),
        "damaged, or not written",
    ),
    "a way out": (rewritten(lambda f, _: f | {"../evil": b""}), r"'../evil'.*do not trust"),
    "compressed": (
        lambda path, _: write(path, entries(path), zipfile.ZIP_DEFLATED),
        "is compressed.*do not trust",
    ),
    "truncated": (lambda path, _: path.write_bytes(path.read_bytes()[:-400]), "damaged"),
    "flipped": (bytes_flipped, r"\.npy in it is damaged"),
    "empty": (lambda path, _: path.write_bytes(b""), "not a model written by save_model"),
    "a foreign zip": (
        lambda path, _: write(path, {"a.txt": b""}),
        "not a model written by save_model",
    ),
    "skops alone": (
        rewritten(lambda f, _: {n: d for n, d in f.items() if n != "sklidh.json"}),
        "not a model written by save_model",
    ),
    "other format": (with_json("sklidh.json", lambda a, _: a | {"format": 2}), "format 2; this"),
    "no versions": (with_json("sklidh.json", lambda a, _: a | {"versions": 1}), "sklidh None"),
    "older sklidh": (older("sklidh"), r"sklidh 0\.0\.1, but .* is installed; install"),
    "older scikit-learn": (older("scikit-learn"), r"pip install 'scikit-learn==0\.0\.1'"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_file_that_is_no_model_of_ours_is_one_error_and_nothing_runs(forgery, tmp_path):
    forge, message = FORGERIES[forgery]
    path, marker = small_model(tmp_path / "model.skops"), tmp_path / "it-ran"
    forge(path, marker)
    with pytest.raises(ModelFileError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    assert not marker.exists()


def test_weights_that_are_no_weights_are_an_error(tmp_path):
    model = InvariantSpecificFusionClassifier(max_epochs=2, random_state=0).fit(*table())
    save_model(model, tmp_path / "model.skops")
    files = entries(tmp_path / "model.skops")
    write(
        tmp_path / "model.skops",
        {name: b"\x80\x04." if name.endswith(".bin") else data for name, data in files.items()},
    )
    with pytest.raises(ModelFileError, match="damaged weights of a network"):
        load_model(tmp_path / "model.skops")


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "model.skops")


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = small_model(tmp_path / "model.skops")
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        small_model(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def wrapped():
    """Return scikit-learn's own wrappers of classifiers, by name."""
    inner = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())], memory="here")
    pair = [("a", inner), ("b", LogisticRegression())]
    by_column = ColumnTransformer([("T1", StandardScaler(), make_column_selector("T1__"))])
    drawn = {"model__C": loguniform(0.1, 1)}
    return {
        "calibrated": CalibratedClassifierCV(inner, cv=2),
        "calibrated, isotonic": CalibratedClassifierCV(inner, cv=2, method="isotonic"),
        "threshold tuned": TunedThresholdClassifierCV(inner, cv=2),
        "prediction sets": ConformalClassifier(CalibratedClassifierCV(inner, ensemble=False), cv=2),
        "stacked": StackingClassifier(pair, cv=2),
        "voting": VotingClassifier(pair, voting="soft"),
        "selected by heading": make_pipeline(by_column, LogisticRegression()),
        "random search": RandomizedSearchCV(inner, drawn, n_iter=2, cv=2, random_state=0),
    }


@pytest.mark.parametrize("name", wrapped())
def test_scikit_learns_wrappers_come_back_from_a_file_without_paths_of_this_machine(
    name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    y = np.arange(40) % 2
    values = np.random.default_rng(0).normal(size=(40, 2)) + y[:, None]
    X = pd.DataFrame(values, columns=["T1__a", "T2__a"])
    model = wrapped()[name].fit(X, y)
    save_model(model, tmp_path / "m.skops")
    again = load_model(tmp_path / "m.skops")
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert_array_equal(again.predict(X), model.predict(X))
    assert not [part for part in parts_of(again) if getattr(part, "memory", None)]
