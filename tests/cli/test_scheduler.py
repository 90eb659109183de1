"""Work on a dask cluster: the same bits, every warning, and clear errors before any work."""

import sys
from concurrent.futures import CancelledError
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import yaml
from joblib import parallel_config
from sklearn.base import clone

from sklidh import RadiomicsExtractor, SANetFeaturizer, baselines, load_cohort, per_modality
from sklidh.cli.options import Work
from sklidh.features import _radiomics_case
from sklidh.utils import SchedulerError, on_scheduler
from sklidh.utils._scheduler import check_workers

SETTINGS = {
    "imageType": {"Original": {}, "Gradient": {}},
    "featureClass": {"shape": ["VoxelVolume"], "firstorder": ["Mean", "Energy"], "glszm": []},
}

distributed = pytest.importorskip("distributed", reason="dask is not installed")


@pytest.fixture(scope="module")
def address():
    """Return the address of two workers in processes of their own."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def constant(cases, tmp_path):
    """Return a cohort of six, the T1 of one of them constant in its tumour."""
    X, y = load_cohort(cases)
    X = X.iloc[:6].join(y)
    image = sitk.ReadImage(X["T1"].iloc[2])
    sitk.WriteImage(image * 0 + 7, tmp_path / "constant.nii.gz")
    X.loc[X.index[2], "T1"] = str(tmp_path / "constant.nii.gz")
    X.to_csv(tmp_path / "cases.csv", index_label="patient")
    return tmp_path / "cases.csv"


def not_here(*_, **__):
    raise AssertionError("done in this process, not by a worker")


@contextmanager
def workers(address):
    """Let joblib hand the work to the cluster."""
    with distributed.Client(address), parallel_config("dask"):
        yield


@pytest.mark.slow
def test_a_table_of_features_is_the_same(phantoms, address, monkeypatch):
    X = phantoms[0][["T1CE", "mask"]].iloc[:6]
    serial = RadiomicsExtractor(SETTINGS, cache=False).fit_transform(X)
    monkeypatch.setattr(_radiomics_case, "read_case", not_here)
    with workers(address):
        extractor = RadiomicsExtractor(SETTINGS, cache=False, n_jobs=2, timeout=120)
        table = extractor.fit_transform(X)
    pd.testing.assert_frame_equal(serial, table, check_exact=True)


@pytest.mark.slow
def test_networks_are_the_same(phantoms, address, monkeypatch):
    X, y = phantoms[0].iloc[:6], phantoms[1].iloc[:6]
    network = SANetFeaturizer(n_features=6, size=16, max_epochs=2, random_state=0)
    branches = per_modality(network, ["T1CE", "FLAIR"], n_jobs=2)
    serial = clone(branches).set_params(n_jobs=None).fit_transform(X, y)
    monkeypatch.setattr(SANetFeaturizer, "fit_transform", not_here)
    with workers(address):
        features = branches.fit_transform(X, y)
    np.testing.assert_array_equal(serial, features)


@pytest.mark.slow
def test_features_come_from_the_workers_bit_by_bit_and_their_warnings_too(
    sklidh, constant, address, tmp_path, monkeypatch
):
    wanted = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Energy", "Mean"]}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(wanted))
    words = ("extract", constant, "--radiomics", tmp_path / "params.yaml", "--groups", "T1,T2")
    words = (*words, "--reference", "none", "--out")
    with monkeypatch.context() as patch:
        patch.setattr(_radiomics_case, "read_case", not_here)
        result = sklidh(*words, tmp_path / "there.csv", "--scheduler", address)
    assert result.exit_code == 0, result.output
    assert f"2 workers, 2 threads at {address}" in result.stdout
    told = [line for line in result.stderr.splitlines() if line.startswith("Warning")]
    assert len(told) == 1
    assert "patient 'phantom-002', column 'T1'" in told[0]
    monkeypatch.setenv("SKLIDH_CACHE", str(tmp_path / "cache"))
    assert sklidh(*words, tmp_path / "here.csv", "--jobs", 1).exit_code == 0
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.slow
def test_folds_are_searched_and_evaluated_by_the_workers_with_the_same_result(
    sklidh, cases, parameters, address, tmp_path, monkeypatch
):
    strengths = {key: [0.7] for key in baselines.STRENGTHS} | {"fusion__alpha": [0.3, 0.7]}
    monkeypatch.setattr(baselines, "STRENGTHS", strengths)
    words = ("evaluate", cases, "--model", "model-4-radiomics", "--tune", "--folds", 4)
    words = (*words, "--radiomics", parameters, "--groups", "T1", "--reference", "none", "--out")
    result = sklidh(*words, tmp_path / "there", "--scheduler", address)
    assert result.exit_code == 0, result.output
    assert "- Chosen in the folds: alpha 0." in result.stdout
    warned = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert any(", T1: " in line for line in warned), "by branches that were fitted by a worker"
    assert sklidh(*words, tmp_path / "here", "--jobs", 1).exit_code == 0
    there, here = (pd.read_csv(tmp_path / name / "evaluations.csv") for name in ("there", "here"))
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def test_without_distributed_the_error_says_what_to_install(sklidh, cases, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = sklidh("extract", cases, "--scheduler", "tcp://h:1", "--out", tmp_path / "f.csv")
    assert result.exit_code == 1
    assert "pip install 'sklidh[dask]'" in result.output


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense"])
def test_an_address_that_does_not_answer_is_refused(address, sklidh, cases, tmp_path, monkeypatch):
    monkeypatch.setattr("sklidh.utils._scheduler.PATIENCE", 0.5)
    result = sklidh("extract", cases, "--scheduler", address, "--out", tmp_path / "f.csv")
    assert result.exit_code == 2
    assert f"no dask scheduler answers at {address}" in result.output


class Cluster:
    """Answers as a client of workers does."""

    def __init__(self, **versions):
        self.versions = versions

    def nthreads(self):
        return dict.fromkeys(self.versions, 1)

    def run(self, *_, on_error):
        return self.versions


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (Cluster(), "no workers; start some with dask worker tcp://h:1"),
        (Cluster(w1="0.0.1"), "worker w1 has sklidh 0.0.1, this machine has"),
        (Cluster(w1=ModuleNotFoundError()), "worker w1 has sklidh none, this machine has"),
    ],
)
def test_a_cluster_that_cannot_do_the_work_is_refused(cluster, said):
    with pytest.raises(SchedulerError, match=said):
        check_workers(cluster, "tcp://h:1")


@pytest.mark.slow
def test_a_lost_worker_is_told(address):
    with pytest.raises(ConnectionError, match="a worker was lost, usually because memory ran out"):
        lose_a_worker(address)


def lose_a_worker(address):
    with on_scheduler(address):
        raise CancelledError("batch cancelled")


def test_a_patient_has_a_limit_on_a_cluster_only():
    assert Work().timeout is None
    assert Work(scheduler="tcp://h:1").timeout == 3600
