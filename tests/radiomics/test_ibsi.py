"""The native engine gives the consensus values of the Image Biomarker Standardisation Initiative.

On its digital phantom, for every feature that PyRadiomics defines as it does.
"""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from sklidh.radiomics import read_settings
from sklidh.radiomics._extract import extract

DATA = Path(__file__).parents[3] / "shared" / "data" / "ibsi"

# IBSI's tag for each of PyRadiomics' features that it defines alike.
SHAPE = {
    "MeshVolume": "morph_volume",
    "VoxelVolume": "morph_vol_approx",
    "SurfaceArea": "morph_area_mesh",
    "SurfaceVolumeRatio": "morph_av",
    "Compactness1": "morph_comp_1",
    "Compactness2": "morph_comp_2",
    "SphericalDisproportion": "morph_sph_dispr",
    "Sphericity": "morph_sphericity",
    "Maximum3DDiameter": "morph_diam",
    "Elongation": "morph_pca_elongation",
    "Flatness": "morph_pca_flatness",
}
FIRSTORDER = {
    "Mean": "stat_mean",
    "Variance": "stat_var",
    "Skewness": "stat_skew",
    "Median": "stat_median",
    "Minimum": "stat_min",
    "10Percentile": "stat_p10",
    "90Percentile": "stat_p90",
    "Maximum": "stat_max",
    "InterquartileRange": "stat_iqr",
    "Range": "stat_range",
    "MeanAbsoluteDeviation": "stat_mad",
    "RobustMeanAbsoluteDeviation": "stat_rmad",
    "Energy": "stat_energy",
    "RootMeanSquared": "stat_rms",
    "Entropy": "ih_entropy",
    "Uniformity": "ih_uniformity",
}
GLCM = {
    "MaximumProbability": "joint_max",
    "JointAverage": "joint_avg",
    "SumSquares": "joint_var",
    "JointEntropy": "joint_entr",
    "DifferenceAverage": "diff_avg",
    "DifferenceVariance": "diff_var",
    "DifferenceEntropy": "diff_entr",
    "SumAverage": "sum_avg",
    "ClusterTendency": "clust_tend",
    "SumEntropy": "sum_entr",
    "JointEnergy": "energy",
    "Contrast": "contrast",
    "Id": "inv_diff",
    "Idn": "inv_diff_norm",
    "Idm": "inv_diff_mom",
    "Idmn": "inv_diff_mom_norm",
    "InverseVariance": "inv_var",
    "Correlation": "corr",
    "Autocorrelation": "auto_corr",
    "ClusterShade": "clust_shade",
    "ClusterProminence": "clust_prom",
    "Imc1": "info_corr1",
    "Imc2": "info_corr2",
}
GLRLM = {
    "ShortRunEmphasis": "sre",
    "LongRunEmphasis": "lre",
    "LowGrayLevelRunEmphasis": "lgre",
    "HighGrayLevelRunEmphasis": "hgre",
    "ShortRunLowGrayLevelEmphasis": "srlge",
    "ShortRunHighGrayLevelEmphasis": "srhge",
    "LongRunLowGrayLevelEmphasis": "lrlge",
    "LongRunHighGrayLevelEmphasis": "lrhge",
    "GrayLevelNonUniformity": "glnu",
    "GrayLevelNonUniformityNormalized": "glnu_norm",
    "RunLengthNonUniformity": "rlnu",
    "RunLengthNonUniformityNormalized": "rlnu_norm",
    "RunPercentage": "r_perc",
    "GrayLevelVariance": "gl_var",
    "RunVariance": "rl_var",
    "RunEntropy": "rl_entr",
}
GLSZM = {
    "SmallAreaEmphasis": "sze",
    "LargeAreaEmphasis": "lze",
    "LowGrayLevelZoneEmphasis": "lgze",
    "HighGrayLevelZoneEmphasis": "hgze",
    "SmallAreaLowGrayLevelEmphasis": "szlge",
    "SmallAreaHighGrayLevelEmphasis": "szhge",
    "LargeAreaLowGrayLevelEmphasis": "lzlge",
    "LargeAreaHighGrayLevelEmphasis": "lzhge",
    "GrayLevelNonUniformity": "glnu",
    "GrayLevelNonUniformityNormalized": "glnu_norm",
    "SizeZoneNonUniformity": "zsnu",
    "SizeZoneNonUniformityNormalized": "zsnu_norm",
    "ZonePercentage": "z_perc",
    "GrayLevelVariance": "gl_var",
    "ZoneVariance": "zs_var",
    "ZoneEntropy": "zs_entr",
}
GLDM = {
    "SmallDependenceEmphasis": "lde",
    "LargeDependenceEmphasis": "hde",
    "LowGrayLevelEmphasis": "lgce",
    "HighGrayLevelEmphasis": "hgce",
    "SmallDependenceLowGrayLevelEmphasis": "ldlge",
    "SmallDependenceHighGrayLevelEmphasis": "ldhge",
    "LargeDependenceLowGrayLevelEmphasis": "hdlge",
    "LargeDependenceHighGrayLevelEmphasis": "hdhge",
    "GrayLevelNonUniformity": "glnu",
    "DependenceNonUniformity": "dcnu",
    "DependenceNonUniformityNormalized": "dcnu_norm",
    "GrayLevelVariance": "gl_var",
    "DependenceVariance": "dc_var",
    "DependenceEntropy": "dc_entr",
}
NGTDM = {
    name: name.lower() for name in ("Coarseness", "Contrast", "Busyness", "Complexity", "Strength")
}
TAGS = {
    "shape": SHAPE,
    "firstorder": FIRSTORDER,
    "glcm": {name: f"cm_{tag}_3D_avg" for name, tag in GLCM.items()},
    "glrlm": {name: f"rlm_{tag}_3D_avg" for name, tag in GLRLM.items()},
    "glszm": {name: f"szm_{tag}_3D" for name, tag in GLSZM.items()},
    "gldm": {name: f"ngl_{tag}_3D" for name, tag in GLDM.items()},
    "ngtdm": {name: f"ngt_{tag}_3D" for name, tag in NGTDM.items()},
}


@pytest.fixture(scope="module")
def consensus():
    if not DATA.exists():
        pytest.skip(f"{DATA} is not there")
    table = {}
    path = DATA / "reference_values" / "ibsi_1_dig_phantom.csv"
    for line in path.read_text().splitlines()[1:]:
        value, tolerance, tag = line.split(";")
        if value:
            table[tag.strip()] = float(value), float(tolerance)
    return table


@pytest.fixture(scope="module")
def phantom():
    if not DATA.exists():
        pytest.skip(f"{DATA} is not there")
    folder = DATA / "ibsi_1_digital_phantom" / "nifti"
    image = sitk.ReadImage(folder / "image" / "phantom.nii.gz")
    mask = sitk.ReadImage(folder / "mask" / "mask.nii.gz")
    arrays = (sitk.GetArrayFromImage(each) for each in (image, mask))
    volume, mask = arrays
    # The phantom holds grey levels: bins one intensity wide leave them as they are.
    settings = read_settings(
        {
            "featureClass": {name: list(tags) for name, tags in TAGS.items()} | KNOWN_CLASSES,
            "setting": {"binWidth": 1},
        }
    )
    return extract(volume, mask > 0, image.GetSpacing()[::-1], settings)


DIFFERENT = {
    # PyRadiomics leaves out IBSI's "- 3".
    "original_firstorder_Kurtosis": ("stat_kurt", lambda value: value - 3),
    # IBSI divides by n - 1 = 73 voxels where PyRadiomics divides by n = 74.
    "original_shape_MajorAxisLength": ("morph_pca_maj_axis", lambda v: v * (74 / 73) ** 0.5),
    "original_shape_MinorAxisLength": ("morph_pca_min_axis", lambda v: v * (74 / 73) ** 0.5),
    "original_shape_LeastAxisLength": ("morph_pca_least_axis", lambda v: v * (74 / 73) ** 0.5),
}
KNOWN_CLASSES = {
    "firstorder": [*FIRSTORDER, "Kurtosis"],
    "shape": [*SHAPE, "MajorAxisLength", "MinorAxisLength", "LeastAxisLength"],
}


def assert_agrees(value, reference):
    """Consensus values are printed with three digits."""
    expected, tolerance = reference
    last_digit = 10 ** (np.floor(np.log10(abs(expected))) - 2)
    assert value == pytest.approx(expected, abs=tolerance + 0.5 * last_digit + 1e-12)


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family, tags in TAGS.items() for name in tags]
)
def test_the_digital_phantom(phantom, consensus, family, name):
    assert_agrees(phantom[f"original_{family}_{name}"], consensus[TAGS[family][name]])


@pytest.mark.parametrize("name", DIFFERENT)
def test_where_pyradiomics_and_ibsi_define_otherwise(phantom, consensus, name):
    tag, convert = DIFFERENT[name]
    assert_agrees(convert(phantom[name]), consensus[tag])
