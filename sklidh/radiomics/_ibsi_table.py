"""The features of the Image Biomarker Standardisation Initiative: names, codes and aggregations.

Names are the tags in IBSI's tables of reference values: ``joint_max_3D_avg`` of the family ``cm``
is ``cm_joint_max_3D_avg`` there. A feature has one code for all aggregations; each aggregation has
a code of its own.
"""

from typing import NamedTuple


class IbsiFeature(NamedTuple):
    """One feature of the IBSI reference manual.

    Attributes
    ----------
    family, name : str
        As in IBSI's tables of reference values.
    ibsi : str
        The feature's code.
    family_code, aggregation_code : str
        Codes of the family and of the aggregation; the second is empty for features that do not
        come from a matrix.
    description : str
    """

    family: str
    name: str
    ibsi: str
    family_code: str
    aggregation_code: str
    description: str


_BY_DIRECTION = {
    "2D_avg": "BTW3",
    "2D_comb": "SUJT",
    "2_5D_avg": "JJUI",
    "2_5D_comb": "ZW7Z",
    "3D_avg": "ITBB",
    "3D_comb": "IAZD",
}
_BY_DIMENSION = {"2D": "8QNN", "2_5D": "62GR", "3D": "KOBO"}

FAMILY_CODES = {
    "morph": "HCUG",
    "loc": "9ST6",
    "stat": "UHIW",
    "ih": "ZVCW",
    "ivh": "P88C",
    "cm": "LFYI",
    "rlm": "TP0I",
    "szm": "9SAK",
    "dzm": "VMDZ",
    "ngt": "IPET",
    "ngl": "REK0",
}
AGGREGATIONS = {
    "cm": _BY_DIRECTION,
    "rlm": _BY_DIRECTION,
    **dict.fromkeys(("szm", "dzm", "ngt", "ngl"), _BY_DIMENSION),
}

_TEXT = {
    "morph": """
volume RNU0 volume of the mesh, mm3
vol_approx YEKZ volume counted in voxels, mm3
area_mesh C0JK area of the mesh, mm2
av 2PR5 surface to volume ratio
comp_1 SKGS compactness 1
comp_2 BQWJ compactness 2
sph_dispr KRCK spherical disproportion
sphericity QCFX sphericity
asphericity 25C7 asphericity
com KLMA distance between the centres of the shape and of the intensities, mm
diam L0JK largest distance of two vertices of the mesh, mm
pca_maj_axis TDIC major axis length, mm
pca_min_axis P9VJ minor axis length, mm
pca_least_axis 7J51 least axis length, mm
pca_elongation Q3CK elongation
pca_flatness N17B flatness
vol_dens_aabb PBX1 volume over that of the bounding box
area_dens_aabb R59B area over that of the bounding box
vol_dens_aee 6BDE volume over that of the ellipsoid of the principal axes
area_dens_aee RDD2 area over that of the ellipsoid of the principal axes
vol_dens_conv_hull R3ER volume over that of the convex hull
area_dens_conv_hull 7T7F area over that of the convex hull
integ_int 99N0 integrated intensity: mean intensity times volume
moran_i N365 Moran's I: how alike intensities are the closer their voxels
geary_c NPT7 Geary's C: how different intensities are the closer their voxels
""",
    "loc": """
peak_loc VJGA mean intensity within 1 cm3 around the brightest voxel
peak_glob 0F91 largest mean intensity within 1 cm3 around a voxel
""",
    "stat": """
mean Q4LE mean intensity
var ECT3 variance
skew KE2A skewness
kurt IPH6 excess kurtosis
median Y12H median
min 1GSF minimum
p10 QG58 10th percentile
p90 8DWT 90th percentile
max 84IY maximum
iqr SALO interquartile range
range 2OJQ range
mad 4FUA mean absolute deviation from the mean
rmad 1128 the same from the 10th to the 90th percentile
medad N72L mean absolute deviation from the median
cov 7TET coefficient of variation
qcod 9S40 quartile coefficient of dispersion
energy N8CA energy
rms 5ZWQ root mean square
""",
    "ih": """
mean X6K6 mean grey level
var CH89 variance
skew 88K1 skewness
kurt C3I7 excess kurtosis
median WIFQ median
min 1PR8 lowest grey level
p10 GPMT 10th percentile
p90 OZ0C 90th percentile
max 3NCY highest grey level
mode AMMC mode
iqr WR0O interquartile range
range 5Z3W range
mad D2ZX mean absolute deviation from the mean
rmad WRZB the same from the 10th to the 90th percentile
medad 4RNL mean absolute deviation from the median
cov CWYJ coefficient of variation
qcod SLWD quartile coefficient of dispersion
entropy TLU2 entropy
uniformity BJ5W uniformity
max_grad 12CE largest gradient of the histogram
max_grad_g 8E6O grey level of the largest gradient
min_grad VQB3 smallest gradient of the histogram
min_grad_g RHQZ grey level of the smallest gradient
""",
    "ivh": """
v10 BC2M share of voxels at or above 10 % of the range of intensities
v90 BC2M share of voxels at or above 90 % of the range of intensities
i10 GBPN lowest intensity that at most 10 % of the voxels reach
i90 GBPN lowest intensity that at most 90 % of the voxels reach
diff_v10_v90 DDTU v10 less v90
diff_i10_i90 CNV2 i10 less i90
""",
    "cm": """
joint_max GYBY joint maximum
joint_avg 60VM joint average
joint_var UR99 joint variance
joint_entr TU9B joint entropy
diff_avg TF7R difference average
diff_var D3YU difference variance
diff_entr NTRS difference entropy
sum_avg ZGXS sum average
sum_var OEEB sum variance
sum_entr P6QZ sum entropy
energy 8ZQL angular second moment
contrast ACUI contrast
dissimilarity 8S9J dissimilarity
inv_diff IB1Z inverse difference
inv_diff_norm NDRX normalised inverse difference
inv_diff_mom WF0Z inverse difference moment
inv_diff_mom_norm 1QCO normalised inverse difference moment
inv_var E8JP inverse variance
corr NI2N correlation
auto_corr QWB0 autocorrelation
clust_tend DG8W cluster tendency
clust_shade 7NFM cluster shade
clust_prom AE86 cluster prominence
info_corr1 R8DG information correlation 1
info_corr2 JN9H information correlation 2
""",
    "rlm": """
sre 22OV short runs emphasis
lre W4KF long runs emphasis
lgre V3SW low grey level run emphasis
hgre G3QZ high grey level run emphasis
srlge HTZT short run low grey level emphasis
srhge GD3A short run high grey level emphasis
lrlge IVPO long run low grey level emphasis
lrhge 3KUM long run high grey level emphasis
glnu R5YN grey level non-uniformity
glnu_norm OVBL normalised grey level non-uniformity
rlnu W92Y run length non-uniformity
rlnu_norm IC23 normalised run length non-uniformity
r_perc 9ZK5 run percentage
gl_var 8CE5 grey level variance
rl_var SXLW run length variance
rl_entr HJ9O run entropy
""",
    "szm": """
sze P001 small zone emphasis
lze 48P8 large zone emphasis
lgze XMSY low grey level zone emphasis
hgze 5GN9 high grey level zone emphasis
szlge 5RAI small zone low grey level emphasis
szhge HW1V small zone high grey level emphasis
lzlge YH51 large zone low grey level emphasis
lzhge J17V large zone high grey level emphasis
glnu JNSA grey level non-uniformity
glnu_norm Y1RO normalised grey level non-uniformity
zsnu 4JP3 zone size non-uniformity
zsnu_norm VB3A normalised zone size non-uniformity
z_perc P30P zone percentage
gl_var BYLV grey level variance
zs_var 3NSA zone size variance
zs_entr GU8N zone size entropy
""",
    "dzm": """
sde 0GBI small distance emphasis
lde MB4I large distance emphasis
lgze S1RA low grey level zone emphasis
hgze K26C high grey level zone emphasis
sdlge RUVG small distance low grey level emphasis
sdhge DKNJ small distance high grey level emphasis
ldlge A7WM large distance low grey level emphasis
ldhge KLTH large distance high grey level emphasis
glnu VFT7 grey level non-uniformity
glnu_norm 7HP3 normalised grey level non-uniformity
zdnu V294 zone distance non-uniformity
zdnu_norm IATH normalised zone distance non-uniformity
z_perc VIWW zone percentage
gl_var QK93 grey level variance
zd_var 7WT1 zone distance variance
zd_entr GBDU zone distance entropy
""",
    "ngt": """
coarseness QCDE coarseness
contrast 65HE contrast
busyness NQ30 busyness
complexity HDEZ complexity
strength 1X9X strength
""",
    "ngl": """
lde SODN low dependence emphasis
hde IMOQ high dependence emphasis
lgce TL9H low grey level count emphasis
hgce OAE7 high grey level count emphasis
ldlge EQ3F low dependence low grey level emphasis
ldhge JA6D low dependence high grey level emphasis
hdlge NBZI high dependence low grey level emphasis
hdhge 9QMG high dependence high grey level emphasis
glnu FP8K grey level non-uniformity
glnu_norm 5SPA normalised grey level non-uniformity
dcnu Z87G dependence count non-uniformity
dcnu_norm OKJI normalised dependence count non-uniformity
dc_perc 6XV8 dependence count percentage
gl_var 1PFV grey level variance
dc_var DNX2 dependence count variance
dc_entr FCBV dependence count entropy
dc_energy CAS9 dependence count energy
""",
}

NAMES = {
    family: tuple(line.split(" ", 1)[0] for line in text.strip().splitlines())
    for family, text in _TEXT.items()
}
"""Names by family, before aggregation; names of matrix features in the order of their sums."""


def ibsi_features(dimensions=("2D", "2_5D", "3D")) -> dict[str, tuple[str, ...]]:
    """Return the names by family, with texture features once per aggregation in `dimensions`."""
    return {
        family: tuple(
            f"{name}_{aggregation}"
            for aggregation in AGGREGATIONS[family]
            if aggregation.split("_avg")[0].split("_comb")[0] in dimensions
            for name in names
        )
        if family in AGGREGATIONS
        else names
        for family, names in NAMES.items()
    }


def describe_ibsi_features() -> tuple[IbsiFeature, ...]:
    """List every feature of the presets ``"ibsi"`` and ``"ibsi-a"`` to ``"ibsi-e"``.

    Returns
    -------
    tuple of IbsiFeature
        Named tuples, texture features once per aggregation.

    Examples
    --------
    >>> from sklidh.radiomics import describe_ibsi_features
    >>> next(f.ibsi for f in describe_ibsi_features() if f.name == "moran_i")
    'N365'
    """
    described = []
    for family, text in _TEXT.items():
        lines = [line.split(" ", 2) for line in text.strip().splitlines()]
        for aggregation, code in AGGREGATIONS.get(family, {"": ""}).items():
            ending = f"_{aggregation}" if aggregation else ""
            described += [
                IbsiFeature(family, name + ending, ibsi, FAMILY_CODES[family], code, words)
                for name, ibsi, words in lines
            ]
    return tuple(described)
