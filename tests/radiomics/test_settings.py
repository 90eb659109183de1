"""Settings say what is extracted, completely and before any image is read."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from sklidh.radiomics import Settings, SettingsError, feature_names, read_settings
from sklidh.radiomics._feature_table import DEPRECATED, FEATURES
from sklidh.radiomics._names import image_names, in_order
from sklidh.radiomics._parameters import IMAGE_TYPES, SETTINGS


def write(folder, text):
    path = folder / "parameters.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def count(names, image, *classes):
    return sum(name.startswith(tuple(f"{image}_{c}_" for c in classes)) for name in names)


def test_the_paper_has_873_features_in_the_groups_it_states():
    names = feature_names(read_settings("paper"))
    assert len(names) == len(set(names)) == 873
    assert count(names, "original", "firstorder") == 18
    assert count(names, "original", "shape") == 13
    assert count(names, "original", "glcm", "glrlm", "glszm", "gldm") == 68
    assert count(names, "original", "glcm") == 22
    assert count(names, "original", "glrlm") == count(names, "original", "glszm") == 16
    assert count(names, "original", "gldm") == 14
    images = Counter(name.split("_")[0].split("-")[0] for name in names)
    assert images == {"original": 99, "wavelet": 430, "log": 258, "gradient": 86}


def test_the_paper_names_its_approximation_twice():
    settings = read_settings("paper")
    assert [name for name in image_names(settings) if name.startswith("wavelet")] == [
        "wavelet-LH",
        "wavelet-HL",
        "wavelet-HH",
        "wavelet-LL",
        "wavelet-LLL",
    ]
    computed = [name for name in feature_names(settings) if not name.startswith("wavelet-LLL_")]
    values = in_order({name: float(i) for i, name in enumerate(computed)}, settings)
    assert list(values) == feature_names(settings)
    assert values["wavelet-LLL_glcm_Idm"] == values["wavelet-LL_glcm_Idm"]


def test_the_paper_has_the_shape_of_a_version_without_mesh_volume_and_the_glcm_of_one_without_mcc():
    names = feature_names(read_settings("paper"))
    assert "original_shape_VoxelVolume" in names
    assert "original_shape_MeshVolume" not in names
    assert not [name for name in names if name.endswith(("_MCC", "_SumAverage"))]


def test_full_is_three_dimensional_with_every_class_and_eight_bands():
    settings = read_settings("full")
    names = feature_names(settings)
    assert len(names) == len(set(names)) == 14 + 13 * (18 + 24 + 14 + 16 + 16 + 5)
    bands = [name for name in image_names(settings) if name.startswith("wavelet")]
    assert len(bands) == 8
    assert bands[-1] == "wavelet-LLL"
    assert settings.setting["force2D"] is False


def test_every_setting_is_filled_in():
    for settings in (read_settings("paper"), read_settings({}), read_settings("full")):
        assert list(settings.setting) == list(SETTINGS)
        assert settings.of_image_type("Original")["binWidth"] == 25.0


def test_nothing_said_means_the_original_image_and_every_class():
    settings = read_settings({})
    assert list(settings.image_types) == ["Original"]
    assert list(settings.feature_classes) == [name for name in FEATURES if name != "shape2D"]
    assert settings.feature_classes["glcm"] == FEATURES["glcm"]


def test_an_image_type_has_its_own_settings():
    settings = read_settings(
        {
            "imageType": {"Original": {}, "Wavelet": {"binWidth": 10, "level": 2}},
            "setting": {"binWidth": 5, "force2D": True},
        }
    )
    assert settings.of_image_type("Original")["binWidth"] == 5.0
    assert settings.of_image_type("Wavelet")["binWidth"] == 10.0
    assert image_names(settings) == [
        "original",
        *("wavelet-LH", "wavelet-HL", "wavelet-HH"),
        *("wavelet2-LH", "wavelet2-HL", "wavelet2-HH", "wavelet2-LL"),
    ]


def test_a_width_names_its_columns_as_it_is_written():
    settings = read_settings({"imageType": {"LoG": {"sigma": [1, 1.5, 3.0]}}})
    assert image_names(settings) == [
        "log-sigma-1-mm-3D",
        "log-sigma-1-5-mm-3D",
        "log-sigma-3-0-mm-3D",
    ]


def test_a_parameter_file_is_read_as_its_dictionary(tmp_path):
    parameters = {
        "imageType": {"Original": {}, "LoG": {"sigma": [2.0], "binWidth": 5}},
        "featureClass": {"shape": None, "firstorder": ["Mean", "10Percentile"], "glcm": []},
        "setting": {"binCount": 32, "resampledPixelSpacing": [1, 1, 0], "interpolator": 3},
    }
    yaml = """
        imageType: {Original: {}, LoG: {sigma: [2.0], binWidth: 5}}
        featureClass:
          shape:
          firstorder: [Mean, 10Percentile]
          glcm: []
        setting:
          binCount: 32
          resampledPixelSpacing: [1, 1, 0]
          interpolator: 3   # sitkBSpline by its number
    """
    from_yaml = read_settings(write(tmp_path, yaml))
    from_json = read_settings(str(write(tmp_path, json.dumps(parameters))))
    assert from_yaml == from_json == read_settings(parameters)
    assert from_yaml.feature_classes["firstorder"] == ("Mean", "10Percentile")
    assert from_yaml.setting["interpolator"] == "sitkBSpline"


def test_settings_are_read_once():
    settings = read_settings("paper")
    assert read_settings(settings) is settings


def test_shape_stands_first_and_once_whatever_the_images():
    settings = read_settings(
        {"imageType": {"Gradient": {}}, "featureClass": {"firstorder": ["Mean"], "shape": []}}
    )
    names = feature_names(settings)
    assert names[0] == "original_shape_Elongation"
    assert names[len(FEATURES["shape"]) :] == ["gradient_firstorder_Mean"]


def test_a_deprecated_feature_is_there_when_it_is_named():
    assert "original_firstorder_StandardDeviation" not in feature_names(read_settings({}))
    settings = read_settings({"featureClass": {"firstorder": ["StandardDeviation"]}})
    assert feature_names(settings) == ["original_firstorder_StandardDeviation"]


def test_the_text_is_that_of_the_meaning():
    one = read_settings({"setting": {"binWidth": 5, "force2D": True}})
    same = read_settings({"setting": {"force2D": True, "binWidth": 5.0}, "imageType": None})
    assert one.as_text() == same.as_text()


@pytest.mark.parametrize(
    "parameters",
    [
        {"setting": {"binWidth": 24}},
        {"setting": {"distances": [1, 2]}},
        {"setting": {"label": 2}},
        {"imageType": {"Original": {"binWidth": 25}}},
        {"imageType": {"Original": {}, "Gradient": {}}},
        {"featureClass": {"firstorder": ["Mean"]}},
        "paper",
    ],
)
def test_the_text_tells_other_settings_apart(parameters):
    assert read_settings(parameters).as_text() != read_settings({}).as_text()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            {"settings": {}},
            "'settings' is unknown .*; accepted: preset, imageType, featureClass, setting",
        ),
        ({"voxelSetting": {"kernelRadius": 2}}, "voxelSetting asks for a map"),
        (
            {"setting": {"binwidth": 5}},
            "setting: 'binwidth' is unknown .*'binWidth'.*; accepted: ",
        ),
        ({"setting": {"force2DDimension": 0}}, r"unknown \(did you mean 'force2Ddimension'\?\)"),
        ({"setting": {"binWidth": 0}}, "binWidth is 0; accepted: a number above 0"),
        ({"setting": {"binWidth": "5"}}, "binWidth is '5'"),
        ({"setting": {"binWidth": None}}, "binWidth is None"),
        ({"setting": {"binWidth": float("nan")}}, "binWidth is nan"),
        ({"setting": {"force2D": 1}}, "force2D is 1; accepted: true or false"),
        ({"setting": {"force2Ddimension": 3}}, "force2Ddimension is 3; .* 0 to 2"),
        ({"setting": {"interpolator": "linear"}}, "interpolator is 'linear'; .*'sitkLinear'"),
        ({"setting": {"interpolator": True}}, "interpolator is True"),
        ({"setting": {"resampledPixelSpacing": [1, 1]}}, "resampledPixelSpacing .*three numbers"),
        ({"setting": {"label_channel": 1}}, "label_channel is 1; accepted: 0 only, since a mask"),
        ({"setting": {"wavelet": "coif99"}}, "wavelet is 'coif99'"),
        ({"setting": [5]}, r"setting: expected keys and values, got \[5\]"),
        ({"imageType": {"Log": {}}}, "imageType: 'Log' is unknown; accepted: .*LoG"),
        (
            {"imageType": {"LoG": {"sigma": [1, 2.0, 1.0]}}},
            r"sigma is \[1, 2.0, 1.0\]; each width once",
        ),
        ({"imageType": {"Wavelet": {"level": 21}}}, "level is 21; accepted: .* 1 to 20"),
        ({"setting": {"voxelArrayShift": 10**400}}, "voxelArrayShift is 1000"),
        ({"imageType": {"LoG": {}}}, "imageType LoG: sigma is missing"),
        ({"imageType": {"Original": {"sigma": [1]}}}, "imageType Original: 'sigma' has no effect"),
        ({"imageType": {"Original": {"normalize": True}}}, "'normalize' has no effect there"),
        ({"featureClass": {"GLCM": []}}, "featureClass: 'GLCM' is unknown"),
        ({"featureClass": {"glcm": ["idm"]}}, "featureClass glcm: unknown feature 'idm'; .*Idm"),
        ({"featureClass": {"glcm": ["Homogeneity1"]}}, "unknown feature 'Homogeneity1'"),
        ({"featureClass": {"glcm": "Idm"}}, "featureClass glcm: expected a list, got 'Idm'"),
        ({"featureClass": {"shape2D": []}}, "shape2D needs setting force2D: true"),
        ("papper", r"'papper' is neither a preset \(paper, full, ibsi, .*\) nor a file"),
        (873, "settings must be one of 'paper', .* a dictionary or the path .* got int: 873"),
    ],
)
def test_what_has_no_meaning_is_an_error_that_names_it(parameters, said):
    with pytest.raises(SettingsError, match=said):
        read_settings(parameters)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("setting: {binWidth: 5, binWidth: 10}", "'binWidth' stands twice"),
        ("setting: {binWidth: 5", "cannot be read as YAML"),
        ("- binWidth", "expected keys and values"),
        ("setting: {bin: 5}", "'bin' is unknown"),
        ("setting: !!python/object/apply:os.getcwd []", "cannot be read as YAML"),
    ],
)
def test_a_bad_file_is_an_error_that_names_the_file(tmp_path, text, said):
    with pytest.raises(SettingsError, match=rf"parameters\.yaml.*(?s:.*){said}"):
        read_settings(write(tmp_path, text))


def test_an_empty_file_means_every_default(tmp_path):
    assert read_settings(write(tmp_path, "# nothing")) == read_settings({})


def test_settings_cannot_be_changed_by_accident():
    with pytest.raises(AttributeError):
        read_settings("paper").name = "mine"
    assert isinstance(read_settings("paper"), Settings)


def table_of_settings():
    guide = (Path(__file__).parents[2] / "docs" / "radiomics.rst").read_text()
    text = re.search(r":header: setting, default, native engine\n.*\n\n((?:   .+\n)+)", guide)[1]
    return {row[0]: row[1:] for row in csv.reader(line.strip() for line in text.splitlines())}


def test_the_table_in_the_guide_has_every_setting_with_its_default():
    table = table_of_settings()
    assert list(table) == [*SETTINGS, "voxelSetting"]
    for key, parameter in SETTINGS.items():
        default, state = table[key]
        assert yaml.safe_load(default) == json.loads(json.dumps(parameter.default)), key
        assert state.split(";")[0].split(",")[0].split(" ")[0] in ("equal", "refused", "no"), key
        others = [True, False, 1, 3, 2.5, [1.5], [1, 1, 1], "euclidean", "sigma", "haar", "ror"]
        others += ["sitkLanczosWindowedSinc"]
        changed = [v for v in others if parameter.accepts(v) and v != parameter.default]
        assert bool(changed) == (not state.startswith("refused")), key


def test_the_table_in_the_guide_has_every_setting_of_the_schema_of_pyradiomics():
    radiomics = pytest.importorskip("radiomics")
    schema = Path(radiomics.__file__).parent / "schemas" / "paramSchema.yaml"
    mapping = yaml.safe_load(schema.read_text())["mapping"]
    assert set(mapping["setting"]["mapping"]) == set(table_of_settings()) - {"voxelSetting"}
    assert set(mapping) == {"setting", "voxelSetting", "featureClass", "imageType"}


def test_defaults_and_names_are_those_of_pyradiomics():
    radiomics = pytest.importorskip("radiomics")
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    theirs = RadiomicsFeatureExtractor._getDefaultSettings()
    theirs |= {"distances": (1,), "label": None}  # here a tuple, and any label above 0
    assert {key: SETTINGS[key].default for key in theirs} == theirs
    assert set(IMAGE_TYPES) == set(radiomics.getImageTypes())
    for name, feature_class in radiomics.getFeatureClasses().items():
        features = feature_class.getFeatureNames()
        assert FEATURES[name] == tuple(f for f, deprecated in features.items() if not deprecated)
        assert set(DEPRECATED.get(name, ())) <= {f for f, old in features.items() if old}


def test_a_preset_can_be_changed_in_part():
    changed = read_settings({"preset": "paper", "setting": {"binCount": 32}})
    paper = read_settings("paper")
    assert changed.setting == paper.setting | {"binCount": 32}
    assert feature_names(changed) == feature_names(paper)
    thick = read_settings({"preset": "paper", "setting": {"force2D": False}})
    assert len(feature_names(thick)) == 13 + 86 * (1 + 8 + 3 + 1)
    with pytest.raises(SettingsError, match="preset is 'papers'; accepted: paper, full"):
        read_settings({"preset": "papers"})


def test_maps_of_features_are_refused_with_the_reason():
    with pytest.raises(SettingsError, match=r"voxelSetting asks for a map.*Remove voxelSetting"):
        read_settings({"voxelSetting": {"kernelRadius": 2}})
