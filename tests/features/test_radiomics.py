"""Radiomics of a table: every patient keeps their row, and nothing goes wrong in silence."""

import os
import pickle
import shutil
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from joblib import parallel_config
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklidh import RadiomicsExtractor
from sklidh.features import ExtractionError, _radiomics_case
from sklidh.images import ImageError, ImageWarning
from sklidh.radiomics import feature_names, read_settings
from sklidh.utils import CohortError, _progress
from sklidh.utils.estimator_checks import parametrize_with_image_checks

SMALL = {
    "imageType": {"Original": {}, "Gradient": {}},
    "featureClass": {"shape": ["VoxelVolume"], "firstorder": ["Mean", "Energy"], "glszm": []},
}


def has_pyradiomics():
    try:
        import radiomics
    except ImportError:
        return False
    return bool(radiomics)


ENGINES = [
    "native",
    pytest.param(
        "pyradiomics",
        marks=pytest.mark.skipif(not has_pyradiomics(), reason="PyRadiomics is not installed"),
    ),
]


@pytest.fixture
def cohort(phantoms):
    X, y = phantoms
    order = np.random.default_rng(0).permutation(6)
    return X[["T1CE", "mask"]].iloc[order], y.iloc[order]


@pytest.fixture
def own(cohort, tmp_path):
    """Return the cohort in files that a test may spoil, and the folder of its cache."""
    X, y = cohort
    X = X.copy()
    for patient in X.index:
        for column in X.columns:
            path = tmp_path / f"{patient}-{column}.nii.gz"
            shutil.copy(X.at[patient, column], path)
            X.at[patient, column] = str(path)
    return X, y, tmp_path / "cache"


def entries(folder):
    return sorted((folder / "radiomics").glob("*"))


REGIONS = {"whole": None, "one": 1}


@parametrize_with_image_checks(
    [RadiomicsExtractor(SMALL), RadiomicsExtractor(SMALL, regions=REGIONS)]
)
def test_every_check_of_image_in_estimators(estimator, check, phantoms):
    X, y = phantoms
    check(estimator, X[["FLAIR", "mask"]].iloc[:6], y.iloc[:6])


@pytest.mark.parametrize("engine", ENGINES)
def test_one_row_per_patient_in_their_order_under_pyradiomics_names(cohort, engine):
    X, y = cohort
    table = RadiomicsExtractor(engine=engine).fit_transform(X, y)
    assert table.shape == (6, 873)
    assert (table.dtypes == np.float64).all()
    assert table.index.equals(X.index)
    assert list(table.columns) == feature_names(read_settings("paper"))
    for patient in X.index:
        image, mask = (sitk.ReadImage(X.at[patient, column]) for column in X.columns)
        inside = sitk.GetArrayFromImage(image)[sitk.GetArrayFromImage(mask) > 0].astype(float)
        assert table.at[patient, "original_firstorder_Mean"] == pytest.approx(inside.mean())
        volume = inside.size * np.prod(image.GetSpacing())
        assert table.at[patient, "original_shape_VoxelVolume"] == pytest.approx(volume)


@pytest.mark.skipif(not has_pyradiomics(), reason="PyRadiomics is not installed")
def test_both_engines_give_the_same_table(cohort):
    X, _ = cohort
    ours, theirs = (
        RadiomicsExtractor(engine=engine).fit_transform(X) for engine in ("native", "pyradiomics")
    )
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-6)


def test_images_in_memory_give_what_their_files_give_and_are_not_kept(cohort, tmp_path):
    X, _ = cohort
    read = pd.DataFrame({c: [sitk.ReadImage(p) for p in X[c]] for c in X.columns}, index=X.index)
    in_memory = RadiomicsExtractor(SMALL, cache=tmp_path, n_jobs=2).fit_transform(read)
    assert not entries(tmp_path)
    pd.testing.assert_frame_equal(in_memory, RadiomicsExtractor(SMALL).fit_transform(X))


def test_side_by_side_in_a_feature_union_every_patient_keeps_one_row(cohort):
    X, y = cohort
    sizes = FunctionTransformer(lambda X: X.map(os.path.getsize))
    union = FeatureUnion([("radiomics", RadiomicsExtractor(SMALL)), ("size", sizes)])
    sizes.set_output(transform="pandas")
    table = union.set_output(transform="pandas").fit_transform(X, y)
    assert table.index.equals(X.index)
    assert table["size__mask"].tolist() == [os.path.getsize(path) for path in X["mask"]]
    assert table["radiomics__original_firstorder_Mean"].notna().all()


def test_every_modality_has_a_branch_of_its_own(phantoms):
    X, y = phantoms
    X, y = X.iloc[[3, 0, 5]], y.iloc[[3, 0, 5]]
    branch = make_pipeline(RadiomicsExtractor(SMALL), StandardScaler())
    columns = ColumnTransformer([(m, clone(branch), [m, "mask"]) for m in ("T1", "T2")])
    table = columns.set_output(transform="pandas").fit_transform(X, y)
    assert table.index.equals(X.index)
    assert {name.split("__")[0] for name in table.columns} == {"T1", "T2"}


def test_a_label_picks_its_voxels(cohort, tmp_path):
    X, _ = cohort
    X = X.iloc[:1].copy()
    mask = sitk.ReadImage(X["mask"].iloc[0])
    labels = sitk.GetArrayFromImage(mask).astype(np.uint8)
    half = labels.copy()
    half[labels.shape[0] // 2 :] *= 4
    whole = sitk.GetImageFromArray(half)
    whole.CopyInformation(mask)
    sitk.WriteImage(whole, str(tmp_path / "labels.nii.gz"))
    X["mask"] = str(tmp_path / "labels.nii.gz")
    voxel = np.prod(mask.GetSpacing())

    def count(**parameters):
        table = RadiomicsExtractor(**({"settings": SMALL} | parameters)).fit_transform(X)
        return round(table["original_shape_VoxelVolume"].iloc[0] / voxel)

    assert count() == count(label=[4, 1]) == np.count_nonzero(half)
    assert count(label=1) == np.count_nonzero(half == 1)
    assert count(label=4) == np.count_nonzero(half == 4)
    labelled = SMALL | {"setting": {"label": 4}}
    assert count(settings=labelled) == np.count_nonzero(half == 4)
    assert count(settings=labelled, label=1) == np.count_nonzero(half == 1)


# The cache


def test_what_was_extracted_once_is_read_back_bit_by_bit(own):
    X, y, cache = own
    extractor = RadiomicsExtractor(SMALL, cache=cache)
    first = extractor.fit_transform(X, y)
    written = {path: path.stat().st_mtime_ns for path in entries(cache)}
    assert len(written) == len(X)
    pd.testing.assert_frame_equal(first, clone(extractor).fit_transform(X), check_exact=True)
    assert {path: path.stat().st_mtime_ns for path in entries(cache)} == written


def test_a_copy_of_a_file_is_the_same_file(own, tmp_path):
    X, _, cache = own
    RadiomicsExtractor(SMALL, cache=cache).fit_transform(X)
    moved = X.copy()
    moved["T1CE"] = [shutil.copy(p, tmp_path / f"moved-{Path(p).name}") for p in X["T1CE"]]
    RadiomicsExtractor(SMALL, cache=cache).fit_transform(moved)
    assert len(entries(cache)) == len(X)


@pytest.mark.parametrize(
    "change", ["image", "mask", "settings", "label", pytest.param("engine", marks=ENGINES[1].marks)]
)
def test_an_entry_belongs_to_everything_that_decides_the_values(own, change):
    X, _, cache = own
    X = X.iloc[:1]
    extractor = RadiomicsExtractor(SMALL, cache=cache)
    before = extractor.fit_transform(X)
    match change:
        case "image" | "mask":
            path = X["T1CE" if change == "image" else "mask"].iloc[0]
            image = sitk.ReadImage(path)
            z, y, x = np.argwhere(sitk.GetArrayFromImage(sitk.ReadImage(X["mask"].iloc[0])))[0]
            image[int(x), int(y), int(z)] = 0  # a voxel of the tumour
            sitk.WriteImage(image, path)
        case "settings":
            extractor.set_params(settings=SMALL | {"setting": {"binWidth": 3}})
        case "label":
            extractor.set_params(label=1)
        case "engine":
            extractor.set_params(engine="pyradiomics")
    after = extractor.fit_transform(X)
    assert len(entries(cache)) == 2
    same_values = change in ("label", "engine")
    assert np.allclose(before, after, rtol=1e-9) == same_values


def test_without_a_cache_nothing_is_written(own, monkeypatch):
    X, _, cache = own
    monkeypatch.setenv("SKLIDH_CACHE", str(cache))
    RadiomicsExtractor(SMALL, cache=False).fit_transform(X)
    assert not cache.exists()
    RadiomicsExtractor(SMALL).fit_transform(X)
    assert len(entries(cache)) == len(X)


@pytest.mark.parametrize("spoil", ["truncated", "empty", "text", "foreign", "pickle"])
def test_a_spoiled_entry_is_extracted_again_with_a_warning(own, spoil):
    X, _, cache = own
    extractor = RadiomicsExtractor(SMALL, cache=cache)
    before = extractor.fit_transform(X)
    entry = entries(cache)[2]
    match spoil:
        case "truncated":
            entry.write_bytes(entry.read_bytes()[:-40])
        case "empty":
            entry.write_bytes(b"")
        case "text":
            entry.write_text("no such thing")
        case "foreign":
            np.savez(entry, names=["original_firstorder_Mean"], values=[1.0], n_levels=9)
        case "pickle":
            entry.write_bytes(pickle.dumps(np.zeros(20)))
    with pytest.warns(UserWarning, match=f"{entry.name} cannot be used .* extracted again"):
        after = extractor.transform(X)
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    pd.testing.assert_frame_equal(before, extractor.transform(X), check_exact=True)


def test_what_was_done_before_an_error_stays_done(own):
    X, _, cache = own
    good = Path(X["T1CE"].iloc[3]).read_bytes()
    Path(X["T1CE"].iloc[3]).write_bytes(b"spoiled")
    extractor = RadiomicsExtractor(SMALL, cache=cache).fit(X)
    with pytest.raises(ImageError, match=str(X.index[3])):
        extractor.transform(X)
    done = entries(cache)
    assert len(done) == 3
    Path(X["T1CE"].iloc[3]).write_bytes(good)
    times = [path.stat().st_mtime_ns for path in done]
    table = extractor.transform(X)
    assert [path.stat().st_mtime_ns for path in done] == times
    pd.testing.assert_frame_equal(
        table, RadiomicsExtractor(SMALL, cache=False).fit_transform(X), check_exact=True
    )


@pytest.mark.slow
def test_a_run_that_is_killed_takes_up_where_it_was(own):
    X, _, cache = own
    X.to_csv(cache.parent / "cases.csv")
    run = (
        "import sys, pandas as pd; from sklidh import RadiomicsExtractor;"
        "X = pd.read_csv(sys.argv[1], index_col=0);"
        "RadiomicsExtractor('paper', cache=sys.argv[2]).fit_transform(X)"
    )
    process = subprocess.Popen([sys.executable, "-c", run, cache.parent / "cases.csv", cache])
    while process.poll() is None and not list((cache / "radiomics").glob("*.npz")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in (cache / "radiomics").glob("*.npz")}
    assert done
    table = RadiomicsExtractor(cache=cache).fit_transform(X)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    pd.testing.assert_frame_equal(
        table, RadiomicsExtractor(cache=False).fit_transform(X), check_exact=True
    )


# Errors


@pytest.mark.parametrize("engine", ENGINES)
def test_an_image_that_cannot_be_used_stops_the_run_by_name(own, engine):
    X, _, _ = own
    mask = sitk.ReadImage(X["mask"].iloc[1])
    voxels = np.zeros(mask.GetSize()[::-1], dtype=np.uint8)
    voxels[4, 5, 6:9] = 1  # a line: too few dimensions
    line = sitk.GetImageFromArray(voxels)
    line.CopyInformation(mask)
    sitk.WriteImage(line, X["mask"].iloc[1])
    with pytest.raises(ExtractionError) as caught:
        RadiomicsExtractor(SMALL, engine=engine).fit_transform(X)
    for said in (repr(X.index[1]), "'T1CE'", X["T1CE"].iloc[1], "ValueError"):
        assert said in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_bad_patient_costs_their_own_row_and_is_recorded(own, n_jobs):
    X, y, _ = own
    Path(X["T1CE"].iloc[1]).write_bytes(b"spoiled")
    os.remove(X["mask"].iloc[4])
    X.iloc[5, 0] = None
    extractor = RadiomicsExtractor(SMALL, on_error="record", n_jobs=n_jobs)
    with pytest.warns(UserWarning, match=f"3 of 6 patients failed .*{X.index[1]}"):
        table = extractor.fit_transform(X, y)
    assert table.isna().all(axis=1).tolist() == [False, True, False, False, True, True]
    assert list(extractor.errors_.columns) == ["patient", "column", "path", "exception", "message"]
    assert sorted(extractor.errors_["patient"]) == sorted(X.index[[1, 4, 5]])
    by_patient = extractor.errors_.set_index("patient")
    assert by_patient.at[X.index[1], "path"] == X["T1CE"].iloc[1]
    assert by_patient.at[X.index[1], "exception"] == "CorruptImage"
    assert "is not a gzip file" in by_patient.at[X.index[1], "message"]
    assert "no such file" in by_patient.at[X.index[4], "message"]
    assert "the cell is empty" in by_patient.at[X.index[5], "message"]
    good = X.iloc[[0, 2, 3]]
    pd.testing.assert_frame_equal(table.loc[good.index], extractor.transform(good))
    assert extractor.errors_.empty


def test_a_modality_that_was_not_acquired_is_a_row_of_nan_if_allowed(cohort):
    X, _ = cohort
    X = X.copy()
    X.iloc[2, 0] = np.nan
    with pytest.raises(CohortError, match=f"{X.index[2]}.*'T1CE': the cell is empty"):
        RadiomicsExtractor(SMALL).fit(X)
    extractor = RadiomicsExtractor(SMALL, missing="nan")
    table = extractor.fit_transform(X)
    assert table.iloc[2].isna().all()
    assert table.drop(index=X.index[2]).notna().all(axis=None)
    assert extractor.errors_.empty
    nobody = X.iloc[[2]]
    assert extractor.transform(nobody).isna().all(axis=None)


def test_a_mask_may_never_be_missing_whatever_its_column_is_called(cohort):
    X, _ = cohort
    X = X.set_axis(["T1CE", "outline"], axis=1).copy()
    X.iloc[2, 1] = None
    with pytest.raises(CohortError, match=f"{X.index[2]}.*no mask"):
        RadiomicsExtractor(SMALL, missing="nan").fit(X)


@pytest.mark.parametrize("engine", ENGINES)
def test_textures_of_too_few_grey_levels_are_named_once_for_all_patients(own, engine):
    X, _, cache = own
    settings = {"featureClass": {"glcm": ["Contrast"]}, "setting": {"binCount": 3}}
    extractor = RadiomicsExtractor(settings, engine=engine, cache=cache)
    for _ in range(2):  # extracted, and from the cache
        with pytest.warns(ImageWarning, match="grey levels") as caught:
            extractor.fit_transform(X)
        (warning,) = caught
        assert "binCount=3 the tumours of 6 of 6 patients" in str(warning.message)
        assert all(f"{patient} (3)" in str(warning.message) for patient in X.index)


def test_first_order_features_of_few_grey_levels_need_no_warning(own):
    X, _, _ = own
    settings = {"featureClass": {"firstorder": []}, "setting": {"binCount": 3}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RadiomicsExtractor(settings, cache=False).fit_transform(X)


def test_a_value_that_is_not_defined_is_not_silent(own):
    X, _, _ = own
    mask = sitk.ReadImage(X["mask"].iloc[1])
    apart = np.zeros(mask.GetSize()[::-1], dtype=np.uint8)
    apart[4, 5, 6] = apart[20, 15, 12] = apart[4, 20, 20] = 1
    scattered = sitk.GetImageFromArray(apart)
    scattered.CopyInformation(mask)
    sitk.WriteImage(scattered, X["mask"].iloc[1])
    settings = {"featureClass": {"firstorder": ["Mean"], "glcm": ["Idm", "Contrast"]}}
    with pytest.warns(UserWarning, match=f"{X.index[1]}.*2 radiomics features .* undefined"):
        table = RadiomicsExtractor(settings, cache=False).fit_transform(X)
    assert table.isna().sum(axis=1).tolist() == [0, 2, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"settings": "papper"}, "neither a preset"),
        ({"settings": {"setting": {"bins": 4}}}, "'bins' is unknown"),
        ({"settings": {"imageType": {"LBP2D": {"lbp2DSamples": 99, "lbp2DMethod": "ror"}}}}, "99"),
        ({"engine": "cuda"}, "'engine' parameter .* must be a str among"),
        ({"label": 0}, "'label' parameter"),
        ({"label": [1, 0]}, r"label must be .* above 0 .* or None; got \[1, 0\]"),
        ({"label": [1.5]}, "label must be"),
        ({"cache": True}, "'cache' parameter"),
        ({"timeout": 0}, "'timeout' parameter"),
    ],
)
def test_a_bad_parameter_is_an_error_before_any_image_is_read(tmp_path, parameters, said):
    path = tmp_path / "image.nii"
    path.write_bytes(b"no image")
    X = pd.DataFrame({"T1": [str(path)], "mask": [str(path)]}, index=["one"])
    with pytest.raises(ValueError, match=said):
        RadiomicsExtractor(**parameters).fit(X)


def test_the_table_has_two_columns(phantoms):
    X, y = phantoms
    with pytest.raises(CohortError, match=r"expected two columns.*got 3.*per_modality"):
        RadiomicsExtractor().fit(X[["T1", "T2", "mask"]], y)
    with pytest.raises(TypeError, match="X must be a pandas DataFrame"):
        RadiomicsExtractor().fit(X[["T1", "mask"]].to_numpy())


def test_a_target_that_cannot_be_one_is_an_error(cohort):
    X, y = cohort
    with pytest.raises(CohortError, match="5 labels for 6 patients"):
        RadiomicsExtractor(SMALL).fit(X, y.to_numpy()[:5])


# Workers


def not_here(*_, **__):
    raise AssertionError("an image is read in this process, not by a worker")


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("n_jobs", [2, 4])
def test_any_number_of_threads_or_processes_gives_the_same_table(
    cohort, backend, n_jobs, monkeypatch
):
    X, _ = cohort
    serial = RadiomicsExtractor(SMALL, cache=False).fit_transform(X)
    if backend == "loky":
        monkeypatch.setattr(_radiomics_case, "read_case", not_here)
    with parallel_config(backend):
        table = RadiomicsExtractor(SMALL, cache=False, n_jobs=n_jobs).fit_transform(X)
    pd.testing.assert_frame_equal(serial, table, check_exact=True)


@pytest.mark.slow
def test_a_patient_that_takes_too_long_ends_the_run(cohort):
    X, _ = cohort
    slow = RadiomicsExtractor("full", cache=False, n_jobs=2, timeout=1e-3).fit(X)
    with pytest.raises(TimeoutError, match=r"radiomics T1CE: .* longer than timeout=0\.001 s"):
        slow.transform(X)


class Deadly:
    """An image in memory that ends every other process that opens it."""

    def GetSpacing(self):
        return 1.0, 1.0, 1.0

    def __reduce__(self):
        return eval, (f"__import__('os').getpid() == {os.getpid()} or __import__('os')._exit(1)",)


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_run(cohort):
    X, _ = cohort
    X = X.astype(object)
    X.iloc[4, 0] = Deadly()
    with pytest.raises(RuntimeError, match=r"radiomics T1CE: a worker died.*n_jobs=2.*cache=False"):
        RadiomicsExtractor(SMALL, cache=False, n_jobs=2).fit_transform(X)


@contextmanager
def dask(**options):
    """Let patients be spread over a cluster on this machine.

    That it gives the same table: tests/cli/test_scheduler.py.
    """
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    # With a single one, joblib would work in this process.
    options |= {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster),
        parallel_config("dask"),
    ):
        yield


@pytest.mark.slow
def test_a_worker_of_a_dask_cluster_that_keeps_dying_ends_the_run(cohort, tmp_path):
    """Dask starts it again and again, and joblib would wait for ever."""
    die = tmp_path / "die.py"
    die.write_text(
        "import os; from sklidh.features import _radiomics_case as case\n"
        "case.read_case = lambda *_, **__: os._exit(1)\n"
    )
    X, _ = cohort
    extractor = RadiomicsExtractor(SMALL, cache=False, n_jobs=2, timeout=2).fit(X)
    with (
        dask(preload=[str(die)]),
        pytest.raises(TimeoutError, match=r"longer than timeout=2 s, or its worker died"),
    ):
        extractor.transform(X)


@pytest.mark.slow
def test_a_worker_of_a_dask_cluster_that_dies_once_costs_nothing(cohort, tmp_path):
    """Dask starts another and gives it the patient."""
    die = tmp_path / "die.py"
    die.write_text(
        "import os\n"
        "from sklidh.features import _radiomics_case as case\n"
        "from sklidh.images import read_case as read\n"
        "def die_once(*arguments, **options):\n"
        "    try:\n"
        f"        open({str(tmp_path / 'died')!r}, 'x')\n"
        "    except FileExistsError:\n"
        "        return read(*arguments, **options)\n"
        "    os._exit(1)\n"
        "case.read_case = die_once\n"
    )
    X, _ = cohort
    serial = RadiomicsExtractor(SMALL, cache=False).fit_transform(X)
    with dask(preload=[str(die)]):
        table = RadiomicsExtractor(SMALL, cache=False, n_jobs=2, timeout=120).fit_transform(X)
    assert (tmp_path / "died").exists()
    pd.testing.assert_frame_equal(serial, table, check_exact=True)


def test_diagnostics_come_before_the_features_on_request(cohort, tmp_path):
    X, _ = cohort
    plain = RadiomicsExtractor(SMALL, cache=tmp_path).fit_transform(X)
    for _ in range(2):  # extracted, then from the cache
        table = RadiomicsExtractor(SMALL, cache=tmp_path, diagnostics=True).fit_transform(X)
        pd.testing.assert_frame_equal(table.iloc[:, 5:], plain, check_exact=True)
        mask = sitk.GetArrayFromImage(sitk.ReadImage(X["mask"].iloc[1]))
        assert table["diagnostics_Mask-original_VoxelNum"].iloc[1] == np.count_nonzero(mask)


def test_no_worker_starts_for_what_is_in_the_cache(cohort, tmp_path, monkeypatch):
    X, _ = cohort
    first = RadiomicsExtractor(SMALL, cache=tmp_path).fit_transform(X)
    monkeypatch.setattr("sklidh.features._radiomics.delayed", None)
    again = RadiomicsExtractor(SMALL, cache=tmp_path, n_jobs=2).fit_transform(X)
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_progress_is_shown_on_request_only(cohort, capfd, monkeypatch):
    X, _ = cohort
    RadiomicsExtractor(SMALL).fit_transform(X)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(_progress, "SHORT", 0)
    RadiomicsExtractor(SMALL, cache=False, verbose=1).fit_transform(X)
    assert "radiomics T1CE" in capfd.readouterr().err


def image_and_coarse_mask(shift=0.0):
    """Return an image of 1 mm, and a mask of 1.7 mm that lies within it at an angle."""
    rng = np.random.default_rng(0)
    image = sitk.GetImageFromArray(rng.normal(100, 20, (20, 22, 24)))
    labels = np.zeros((8, 9, 10), np.uint8)
    labels[2:6, 2:7, 3:8] = 1
    mask = sitk.GetImageFromArray(labels)
    mask.SetSpacing((1.7, 1.7, 1.7))
    mask.SetOrigin((3.0 + shift, 2.0, 4.0))
    mask.SetDirection((0.96, -0.28, 0, 0.28, 0.96, 0, 0, 0, 1))
    return image, mask


def as_table(image, mask):
    return pd.DataFrame({"T1CE": [image], "mask": [mask]}, index=["patient-01"])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mask_on_another_grid_is_refused_or_corrected(engine):
    image, mask = image_and_coarse_mask()
    with pytest.raises(ImageError, match=r"patient-01.*different grids"):
        RadiomicsExtractor(SMALL, engine=engine).fit_transform(as_table(image, mask))
    settings = SMALL | {"setting": {"correctMask": True, "geometryTolerance": 1e-4}}
    table = RadiomicsExtractor(settings, engine=engine).fit_transform(as_table(image, mask))
    moved = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor)
    assert sitk.GetArrayViewFromImage(moved).sum() > 0
    by_hand = RadiomicsExtractor(SMALL, engine=engine).fit_transform(as_table(image, moved))
    pd.testing.assert_frame_equal(table, by_hand)


@pytest.mark.skipif(not has_pyradiomics(), reason="PyRadiomics is not installed")
@pytest.mark.parametrize("shift", [0.0, 3.0, 14.0, 30.0])
def test_a_corrected_mask_is_that_of_pyradiomics(shift):
    from radiomics.imageoperations import _correctMask

    image, mask = image_and_coarse_mask(shift)
    settings = {"setting": {"correctMask": True}, "featureClass": {"shape": ["VoxelVolume"]}}
    extractor = RadiomicsExtractor(settings)
    try:
        expected = np.count_nonzero(sitk.GetArrayFromImage(_correctMask(image, mask, label=1)))
    except ValueError:
        assert shift > 10
        with pytest.raises(ImageError, match=r"patient-01.*correctMask: the box .* reaches beyond"):
            extractor.fit_transform(as_table(image, mask))
    else:
        assert shift < 10
        assert extractor.fit_transform(as_table(image, mask)).to_numpy() == expected


def test_grids_that_are_apart_by_less_than_the_tolerance_are_one():
    image, _ = image_and_coarse_mask()
    labels = np.zeros((20, 22, 24), np.uint8)
    labels[5:9, 6:11, 7:13] = 1
    mask = sitk.GetImageFromArray(labels)
    on_grid = RadiomicsExtractor(SMALL).fit_transform(as_table(image, mask))
    mask.SetOrigin((0.3, 0.0, 0.0))
    with pytest.raises(ImageError, match="different grids"):
        RadiomicsExtractor(SMALL).fit_transform(as_table(image, mask))
    tolerant = RadiomicsExtractor(SMALL | {"setting": {"geometryTolerance": 0.4}})
    pd.testing.assert_frame_equal(tolerant.fit_transform(as_table(image, mask)), on_grid)
    strict = RadiomicsExtractor(SMALL | {"setting": {"geometryTolerance": 0.2}})
    with pytest.raises(ImageError, match="different grids"):
        strict.fit_transform(as_table(image, mask))
