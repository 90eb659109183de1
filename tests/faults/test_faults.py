"""Killed, out of disk or memory, the cache spoilt or shared: never a wrong table."""

import json
import os
import pickle
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from joblib import parallel_config
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from sklidh import RadiomicsExtractor, RigidRegistration
from sklidh.evaluation import compare, holdout
from sklidh.images import CohortCheck, IntensityNormalization
from sklidh.persistence import load_model, save_model
from sklidh.reporting import write_results

resource = pytest.importorskip("resource", reason="this system has no limits for a process")

SETTINGS = {"featureClass": {"firstorder": ["Mean", "Entropy", "Kurtosis"], "shape": []}}
N_KILLED = 40


@pytest.fixture(scope="module")
def cohort(phantoms):
    """Return three patients' paths: T1, which is moved, T2 and mask."""
    return phantoms[0].iloc[:3][["T1", "T2", "mask"]]


def batch(X, cache):
    """Register and extract, patient by patient, everything kept in `cache`."""
    registered = RigidRegistration(cache=cache, n_samples=1000).fit_transform(X)
    extractor = RadiomicsExtractor(SETTINGS, cache=cache)
    return extractor.fit_transform(registered[["T1", "mask"]])


def without_room(function, *arguments, n_bytes=3000):
    """Call a function where no file may grow beyond some bytes, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))
    return function(*arguments)


def files(folder):
    return {path for path in Path(folder).rglob("*") if path.is_file()}


def assert_whole(folder):
    """Check that every file under its final name is complete."""
    for path in files(folder):
        if path.name.startswith(".writing-"):
            continue
        match path.suffix:
            case ".npz":
                np.load(path, allow_pickle=False)["values"]
            case ".json":
                json.loads(path.read_text())
            case ".gz":
                sitk.ReadImage(path)


@pytest.mark.slow
def test_a_batch_killed_at_forty_random_moments_ends_in_the_same_table(
    cohort, tmp_path, child, seconds
):
    X = cohort.iloc[:2]
    expected = batch(X, tmp_path / "reference")
    whole = seconds(lambda: batch(X, tmp_path / "again"))
    rng, cache, n_killed = np.random.default_rng(0), tmp_path / "cache", 0
    for _ in range(10 * N_KILLED):
        run = child(batch, X, cache)
        time.sleep(rng.uniform(0, whole))
        if run.kill():
            n_killed += 1
        else:
            cache = tmp_path / f"cache-{n_killed}"  # it was done: the next starts anew
        assert_whole(cache)
        if n_killed == N_KILLED:
            break
    assert n_killed == N_KILLED
    for each in tmp_path.glob("cache*"):
        for left in each.rglob(".writing-*"):
            os.utime(left, (time.time() - 4000,) * 2)
        pd.testing.assert_frame_equal(batch(X, each), expected, check_exact=True)
        assert not list(each.rglob(".writing-*"))


@pytest.mark.parametrize(
    "step",
    [
        RigidRegistration(n_samples=1000),
        IntensityNormalization(modalities=["T1"]),
    ],
)
def test_a_full_disk_is_an_error_and_no_image_is_kept(cohort, tmp_path, child, step):
    step.set_params(cache=False).fit_transform(cohort)  # compiles, which writes files too
    step.set_params(cache=tmp_path)
    name, message = child(without_room, step.fit_transform, cohort).outcome()
    assert name == "OSError"
    assert "could not be written completely; check the free disk space" in message
    assert not files(tmp_path)


def test_a_full_disk_is_an_error_and_no_features_are_kept(cohort, tmp_path, child):
    extractor = RadiomicsExtractor(SETTINGS, cache=tmp_path)
    X = cohort[["T1", "mask"]]
    RadiomicsExtractor(SETTINGS, cache=False).fit_transform(X)  # compiles, which writes files too
    outcome = child(lambda: without_room(extractor.fit_transform, X, n_bytes=100)).outcome()
    assert outcome[0] == "OSError"
    assert "too large" in outcome[1]
    assert not files(tmp_path)


def test_a_full_disk_leaves_the_old_model(tmp_path, child):
    model = LogisticRegression().fit(np.eye(40), np.arange(40) % 2)
    path = tmp_path / "model"
    path.write_bytes(b"the old one")
    name, message = child(lambda: without_room(save_model, model, path)).outcome()
    assert name == "OSError", message
    assert path.read_bytes() == b"the old one"
    assert files(tmp_path) == {path}


def test_a_full_disk_leaves_the_old_results_and_their_report(phantoms, tmp_path, child):
    X, y = phantoms
    model = Pipeline([("register", CohortCheck(["T2"])), ("model", DummyClassifier())])
    comparison = compare({"Model": model}, X, y, holdout)
    (pipeline,) = comparison.evaluations["Model"].estimators

    def write(title):
        options = {"pipeline": pipeline, "modalities": ["T2"], "settings": {"seed": 0}}
        return write_results(tmp_path, title, comparison, X, y, **options)

    write("the old one")
    old = {path: path.read_bytes() for path in files(tmp_path)}
    name, message = child(lambda: without_room(write, "the new one")).outcome()
    assert name == "OSError", message
    assert {path: path.read_bytes() for path in files(tmp_path)} == old
    assert b"the old one" in old[tmp_path / "report.html"]


class Hostile:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("spoil", ["empty", "cut off", "foreign", "hostile"])
def test_a_spoilt_cache_is_never_executed_and_changes_no_number(cohort, tmp_path, spoil):
    expected = batch(cohort, tmp_path)
    witness = tmp_path / "executed"
    content = {
        "empty": lambda whole: b"",
        "cut off": lambda whole: whole[:-20],
        "foreign": lambda whole: b'{"digest": "0", "fit": [1, 2]}' + b"[" * 10000,
        "hostile": lambda whole: pickle.dumps(Hostile(witness)),
    }[spoil]
    for path in files(tmp_path):
        path.write_bytes(content(path.read_bytes()))
    with pytest.warns(UserWarning, match="cannot be used"):
        again = batch(cohort, tmp_path)
    pd.testing.assert_frame_equal(again, expected, check_exact=True)
    assert not witness.exists()
    pd.testing.assert_frame_equal(batch(cohort, tmp_path), expected, check_exact=True)


def test_a_hostile_model_is_refused_and_never_executed(tmp_path):
    (tmp_path / "model").write_bytes(pickle.dumps(Hostile(tmp_path / "executed")))
    with pytest.raises(ValueError, match="model"):
        load_model(tmp_path / "model")
    assert not (tmp_path / "executed").exists()


def test_two_runs_share_a_cache(cohort, tmp_path, child):
    expected = batch(cohort, tmp_path / "reference")
    runs = [child(batch, cohort, tmp_path / "cache") for _ in range(3)]
    for run in runs:
        kind, table = run.outcome()
        assert kind == "returned", table
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert_whole(tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob(".writing-*"))


def test_a_cache_for_reading_only_is_read_and_what_cannot_be_kept_is_an_error(
    cohort, tmp_path, child
):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("test", "popen", "pytest")):  # the tests' own, for them alone
            os.chmod(folder, 0o755)
    cohort = cohort.map(lambda path: shutil.copy(path, tmp_path / "-".join(Path(path).parts[-2:])))
    cache = tmp_path / "cache"
    batch(cohort.iloc[:2], cache)
    expected = batch(cohort.iloc[:2], cache)  # from the cache, and all modules for it are loaded
    for folder in (cache, *(path for path in cache.rglob("*") if path.is_dir())):
        os.chmod(folder, 0o555)

    def as_nobody(X):
        if os.geteuid() == 0:  # for whom no folder is for reading only
            os.setgid(65534)
            os.setuid(65534)
        return batch(X, cache)

    kind, table = child(as_nobody, cohort.iloc[:2]).outcome()
    assert kind == "returned", table
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    kind, message = child(as_nobody, cohort).outcome()
    assert kind == "OSError"
    assert f"{cache}/registration" in message
    assert "the folder's permissions" in message


def test_too_little_memory_is_an_error_that_names_the_image(tmp_path, child):
    path = tmp_path / "large.nii.gz"
    image = sitk.Image([1000, 1000, 400], sitk.sitkUInt8)
    sitk.WriteImage(image, path, useCompression=True, compressionLevel=1)
    mask = sitk.Image([4, 4, 4], sitk.sitkUInt8) + 1
    X = pd.DataFrame({"T1": [str(path)], "mask": [mask]}, ["P1"])

    def fenced():
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 2**28
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        RadiomicsExtractor(SETTINGS, cache=False).fit_transform(X)

    name, message = child(fenced).outcome()
    assert name == "ImageTooLarge"
    assert f"patient 'P1', column 'T1', {path}: its 381 MiB do not fit" in message


class DeadlyOnce:
    """An image in memory that ends the first process into which it is sent."""

    def __init__(self, path, flag):
        self.path, self.flag = path, str(flag)

    def GetSpacing(self):
        return sitk.ReadImage(self.path).GetSpacing()

    def __reduce__(self):
        first = f"not __import__('os').path.exists({self.flag!r})"
        die = f"(open({self.flag!r}, 'x').close(), __import__('os')._exit(1))"
        return eval, (f"{die} if {first} else __import__('SimpleITK').ReadImage({self.path!r})",)


@pytest.mark.slow
def test_a_worker_that_dies_once_costs_no_row_that_was_finished_and_the_next_run_succeeds(
    cohort, tmp_path
):
    # One that always dies, and both kinds under dask: tests/features/test_radiomics.py.
    X = cohort[["T1", "mask"]].astype(object)
    expected = RadiomicsExtractor(SETTINGS, cache=False).fit_transform(X)
    X.at[X.index[2], "T1"] = DeadlyOnce(X["T1"].iloc[2], tmp_path / "flag")
    extractor = RadiomicsExtractor(SETTINGS, cache=tmp_path / "cache", n_jobs=2, timeout=60)
    with parallel_config("loky"), pytest.raises(RuntimeError, match="a worker died"):
        extractor.fit_transform(X)
    kept = {path: path.stat().st_mtime_ns for path in files(tmp_path / "cache")}
    assert_whole(tmp_path / "cache")
    with parallel_config("loky"):
        pd.testing.assert_frame_equal(extractor.fit_transform(X), expected, check_exact=True)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
