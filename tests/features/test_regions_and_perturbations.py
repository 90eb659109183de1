"""Several regions of one mask, and perturbed images, in one pass over the files."""

import warnings

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklidh import RadiomicsExtractor
from sklidh.features import _radiomics_case
from sklidh.images import ImageError, ImageWarning, MissingLabel, Perturbations, _case_regions
from sklidh.selection import RobustnessSelector
from sklidh.utils import unperturbed_name

SMALL = {
    "imageType": {"Original": {}, "Gradient": {}},
    "featureClass": {"shape": ["VoxelVolume"], "firstorder": ["Mean", "Energy"], "glcm": ["Idm"]},
}
REGIONS = {"core": [1, 4], "oedema": 2, "enhancing": 4, "whole": None}


@pytest.fixture
def labelled(phantoms, tmp_path):
    """Return three patients whose masks hold the labels 1, 2 and 4, like those of BraTS."""
    X = phantoms[0][["T1CE", "mask"]].iloc[:3].copy()
    for patient in X.index:
        mask = sitk.ReadImage(X.at[patient, "mask"])
        labels = sitk.GetArrayFromImage(mask)
        z, y, _ = (np.indices(labels.shape) * labels).astype(int)
        labels[(labels > 0) & (y > np.median(y[labels > 0]))] = 2
        labels[(labels == 1) & (z > np.median(z[labels > 0]))] = 4
        assert set(np.unique(labels)) == {0, 1, 2, 4}
        image = sitk.GetImageFromArray(labels)
        image.CopyInformation(mask)
        X.at[patient, "mask"] = str(tmp_path / f"{patient}.nii.gz")
        sitk.WriteImage(image, X.at[patient, "mask"])
    return X


def without_label(X, patient, label, tmp_path):
    mask = sitk.ReadImage(X.at[patient, "mask"])
    labels = sitk.GetArrayFromImage(mask)
    labels[labels == label] = 2
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(mask)
    sitk.WriteImage(image, str(tmp_path / "less.nii.gz"))
    return X.assign(mask=X["mask"].where(X.index != patient, str(tmp_path / "less.nii.gz")))


def test_the_columns_of_every_region_equal_those_of_a_run_of_its_own(labelled):
    table = RadiomicsExtractor(SMALL, regions=REGIONS, diagnostics=True).fit_transform(labelled)
    for name, label in REGIONS.items():
        own = RadiomicsExtractor(SMALL, label=label, diagnostics=True).fit_transform(labelled)
        part = table.filter(regex=f"^{name}__")
        pd.testing.assert_frame_equal(
            part.rename(columns=lambda column: column.split("__", 1)[1]), own, check_exact=True
        )
    assert table.shape[1] == 4 * own.shape[1]


def test_every_file_is_read_once_for_all_regions(labelled, monkeypatch):
    read, load = [], _case_regions.load
    monkeypatch.setattr(
        _case_regions, "load", lambda source, **how: read.append(source) or load(source, **how)
    )
    RadiomicsExtractor(SMALL, regions=REGIONS, cache=False).fit_transform(labelled)
    assert sorted(read) == sorted(labelled.to_numpy().ravel())


def test_a_region_that_a_patient_lacks_is_an_error_or_nan_by_name(labelled, tmp_path):
    patient = labelled.index[1]
    X = without_label(labelled, patient, 4, tmp_path)
    extractor = RadiomicsExtractor(SMALL, regions=REGIONS, cache=tmp_path)
    said = rf"patient '{patient}', column 'mask', .*, region 'enhancing': no voxel has label 4"
    with pytest.raises(MissingLabel, match=said):
        extractor.fit_transform(X)
    extractor.set_params(missing="nan")
    for _ in ("extracted", "from the cache"):
        with pytest.warns(ImageWarning, match=f"{said}.*its features are NaN") as caught:
            table = extractor.fit_transform(X)
        # The features of the absent region are not named a second time as undefined.
        assert len(caught) == 1
    absent = table.isna()
    assert absent.loc[patient].sum() == absent.loc[patient].filter(regex="^enhancing__").sum() == 7
    assert not absent.drop(index=patient).any(axis=None)
    # What was kept where it is allowed is still an error where it is not.
    with pytest.raises(MissingLabel, match=said):
        extractor.set_params(missing="raise").fit_transform(X)
    recorded = extractor.set_params(on_error="record")
    with pytest.warns(UserWarning, match="1 of 3 patients failed"):
        table = recorded.fit_transform(X)
    assert recorded.errors_["patient"].tolist() == [patient]
    assert table.loc[patient].isna().all()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"regions": {"core": 0}}, "label must be one or more whole numbers above 0"),
        ({"regions": {}}, "dictionary of labels by name"),
        ({"regions": {"a__b": 1}}, "lack '__'"),
        ({"regions": {"core": 1}, "label": 1}, "both choose labels"),
        ({"perturbations": 0}, "'perturbations' parameter"),
    ],
)
def test_bad_regions_are_an_error_before_any_image_is_read(labelled, parameters, said):
    labelled.iloc[0, 0] = labelled.iloc[0, 1] = __file__  # no image
    with pytest.raises(ValueError, match=said):
        RadiomicsExtractor(SMALL, **parameters).fit(labelled)


def test_only_fit_transform_perturbs_and_the_features_stay_those_without(phantoms):
    X = phantoms[0][["T1CE", "mask"]].iloc[:4]
    extractor = RadiomicsExtractor(SMALL, perturbations=3)
    fitted = extractor.fit_transform(X)
    plain = RadiomicsExtractor(SMALL).fit_transform(X)
    later = extractor.transform(X)
    features = list(plain.columns)
    pd.testing.assert_frame_equal(fitted[features], plain)
    pd.testing.assert_frame_equal(later[features], plain)
    perturbed = [name for name in fitted if unperturbed_name(name)]
    assert list(fitted.columns) == features + perturbed == list(later.columns)
    assert [unperturbed_name(name) for name in perturbed] == features * 3
    assert later[perturbed].isna().all(axis=None)
    assert fitted[perturbed].notna().all(axis=None)
    mean = "original_firstorder_Mean"
    relative = fitted[f"{mean}__perturbed-1"] / fitted[mean]
    assert relative.between(0.8, 1.25).all()
    assert (relative != 1).all()


def test_perturbed_features_come_from_the_cache_and_belong_to_their_perturbations(
    phantoms, tmp_path, monkeypatch
):
    X = phantoms[0][["T1CE", "mask"]].iloc[:2]
    extractor = RadiomicsExtractor(SMALL, perturbations=2, cache=tmp_path)
    first = extractor.fit_transform(X)
    n_entries = len(list((tmp_path / "radiomics").iterdir()))
    stronger = clone(extractor).set_params(perturbations=Perturbations(number=2, volume=0.3))
    assert not stronger.fit_transform(X).equals(first)
    assert len(list((tmp_path / "radiomics").iterdir())) == n_entries + 2
    monkeypatch.setattr(_radiomics_case, "_extract", None)
    pd.testing.assert_frame_equal(extractor.fit_transform(X.iloc[::-1]), first.iloc[::-1])


def test_workers_and_order_do_not_change_perturbed_features(phantoms):
    X = phantoms[0][["T1CE", "mask"]].iloc[:3]
    extractor = RadiomicsExtractor(SMALL, perturbations=2, cache=False)
    alone = extractor.fit_transform(X)
    together = extractor.set_params(n_jobs=2).fit_transform(X.iloc[::-1])
    pd.testing.assert_frame_equal(alone, together.iloc[::-1])


def test_regions_are_perturbed_together(labelled):
    chosen = Perturbations(number=2, volume=0.0, contours=False)
    extractor = RadiomicsExtractor(SMALL, regions=REGIONS, perturbations=chosen)
    table = extractor.fit_transform(labelled)
    volume = "__original_shape_VoxelVolume"
    for suffix in ("", "__perturbed-1", "__perturbed-2"):
        core, oedema, whole = (
            table[f"{name}{volume}{suffix}"] for name in ("core", "oedema", "whole")
        )
        assert ((core + oedema) / whole).between(0.97, 1.03).all()


def test_a_perturbed_region_that_vanishes_is_nan_with_a_warning(phantoms, tmp_path):
    X = phantoms[0][["T1CE", "mask"]].iloc[:1].copy()
    image = sitk.ReadImage(X.iloc[0, 0])
    mask = np.zeros(image.GetSize()[::-1], np.uint8)
    mask[15, 15, 14:17] = 1
    mask[15, 14, 14:17] = 1
    small = sitk.GetImageFromArray(mask)
    small.CopyInformation(image)
    X["mask"] = [str(tmp_path / "small.nii.gz")]
    sitk.WriteImage(small, X["mask"].iloc[0])
    chosen = Perturbations(number=6, volume=0.8, contours=False, noise=0.0)
    extractor = RadiomicsExtractor(
        {"featureClass": {"firstorder": ["Mean"]}}, perturbations=chosen, cache=False
    )
    with pytest.warns(ImageWarning, match=r"perturbation \d: .*its features are NaN"):
        table = extractor.fit_transform(X)
    assert 0 < table.isna().sum(axis=None) < 6
    assert np.isfinite(table["original_firstorder_Mean"]).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"imageType": {"Original": {}}, "setting": {"normalize": True}},
        {"imageType": {"Square": {}}},
        {"imageType": {"Wavelet": {"level": 2}}},
    ],
)
def test_what_depends_on_the_whole_image_sees_the_whole_perturbed_image(phantoms, settings):
    X = phantoms[0][["T1CE", "mask"]].iloc[:1]
    still = Perturbations(
        number=1, rotation=0.0, translation=0.0, noise=0.0, volume=0.0, contours=False
    )
    settings = settings | {"featureClass": {"firstorder": ["Mean"]}}
    table = RadiomicsExtractor(settings, perturbations=still).fit_transform(X)
    half = table.shape[1] // 2
    assert table.iloc[0, :half].tolist() == table.iloc[0, half:].tolist()


def test_a_pipeline_selects_robust_columns_and_predicts_without_perturbing(phantoms, monkeypatch):
    X, y = phantoms[0][["T1CE", "mask"]], phantoms[1]
    pipeline = make_pipeline(
        RadiomicsExtractor(SMALL, perturbations=3), RobustnessSelector(threshold=0.9)
    ).set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = pipeline.fit_transform(X, y)
    assert 0 < kept.shape[1] < 7
    assert not any(map(unperturbed_name, kept.columns))
    monkeypatch.setattr(_radiomics_case, "perturbed_images", None)
    pd.testing.assert_frame_equal(pipeline.transform(X), kept)


def test_an_image_that_cannot_be_perturbed_is_an_error_or_named(phantoms, monkeypatch):
    X = phantoms[0][["T1CE", "mask"]].iloc[:2]
    extractor = RadiomicsExtractor(SMALL, perturbations=1, cache=False)

    def fail(*_, **__):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(_radiomics_case, "perturbed_images", fail)
    with pytest.raises(ImageError, match=r"'phantom-000', column 'T1CE'.*out of luck"):
        extractor.fit_transform(X)
    with pytest.warns(ImageWarning, match="perturbed: out of luck; its features are NaN") as caught:
        table = extractor.set_params(on_error="record").fit_transform(X)
    assert len(caught) == 2
    assert table.iloc[:, :7].notna().all(axis=None)
    assert table.iloc[:, 7:].isna().all(axis=None)
