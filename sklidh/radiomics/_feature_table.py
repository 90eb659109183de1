"""All features: PyRadiomics' name, IBSI's code if it defines the same feature, and the formula.

One line per feature: name, code ("-" for none), formula; "~" marks features that are computed only
on request (deprecated in PyRadiomics). Names are in PyRadiomics' order: alphabetical, capitals
first. The formulas share these symbols.

- x: the n intensities of the region, mu their mean; q(k): the share of its voxels in grey level k
- V, A: volume and area of the surface's mesh; N: number of voxels, v: volume of one
- l1 >= l2 >= l3: variances of the voxel positions along the principal axes
- p(i, j): share of neighbouring pairs with grey levels i and j; px, py its margins, mx, my, sx, sy
  their means and deviations; s(k), d(k): share of the pairs with i + j = k, and with abs(i - j) = k
- r(i, j): number of runs (zones, dependences) of grey level i with length (size, count) j; R their
  sum; u(i), w(j): the sums over j and over i; m: the mean of i, or of j, over r / R
- n(i), e(i): number of voxels of grey level i, and the sum of their absolute differences from the
  mean of their neighbours; c(i) = n(i) / sum of n; G: number of grey levels with n > 0
- H(p) = -sum p log2 p
"""

from typing import NamedTuple


class Feature(NamedTuple):
    """One feature.

    Attributes
    ----------
    family, name : str
        PyRadiomics' names.
    ibsi : str
        Code in the IBSI reference manual; empty if there is none.
    formula : str
    on_request : bool
        Whether the feature is computed only when named.
    """

    family: str
    name: str
    ibsi: str
    formula: str
    on_request: bool


_TEXT = {
    "firstorder": """
10Percentile QG58 10th percentile of x
90Percentile 8DWT 90th percentile of x
Energy N8CA sum (x + voxelArrayShift)^2
Entropy TLU2 H(q)
InterquartileRange SALO 75th less 25th percentile of x
Kurtosis - mean (x - mu)^4 / Variance^2; IBSI's IPH6 is 3 less
Maximum 84IY max x
MeanAbsoluteDeviation 4FUA mean abs(x - mu)
Mean Q4LE mu
Median Y12H 50th percentile of x
Minimum 1GSF min x
Range 2OJQ max x - min x
RobustMeanAbsoluteDeviation 1128 MeanAbsoluteDeviation of x from its 10th to its 90th percentile
RootMeanSquared 5ZWQ sqrt(Energy / n)
Skewness KE2A mean (x - mu)^3 / Variance^1.5
TotalEnergy - v Energy
Uniformity BJ5W sum q^2
Variance ECT3 mean (x - mu)^2
~StandardDeviation - sqrt(Variance)
""",
    "glcm": """
Autocorrelation QWB0 sum p i j
ClusterProminence AE86 sum p (i + j - mx - my)^4
ClusterShade 7NFM sum p (i + j - mx - my)^3
ClusterTendency DG8W sum p (i + j - mx - my)^2
Contrast ACUI sum p (i - j)^2
Correlation NI2N (sum p i j - mx my) / (sx sy)
DifferenceAverage TF7R sum k d
DifferenceEntropy NTRS H(d)
DifferenceVariance D3YU sum (k - DifferenceAverage)^2 d
Id IB1Z sum d / (1 + k)
Idm WF0Z sum d / (1 + k^2)
Idmn 1QCO sum d / (1 + k^2 / N_g^2), N_g the highest grey level
Idn NDRX sum d / (1 + k / N_g)
Imc1 R8DG (H(p) + sum p log2(px py)) / max(H(px), H(py))
Imc2 JN9H sqrt(1 - exp(-2 (H(px py) - H(p))))
InverseVariance E8JP sum over k > 0 of d / k^2
JointAverage 60VM sum p i
JointEnergy 8ZQL sum p^2
JointEntropy TU9B H(p)
MCC - square root of the second eigenvalue of sum over k of p(i, k) p(j, k) / (px(i) py(k))
MaximumProbability GYBY max p
SumAverage ZGXS sum k s
SumEntropy P6QZ H(s)
SumSquares UR99 sum p (i - mx)^2
""",
    "gldm": """
DependenceEntropy FCBV H(r / R)
DependenceNonUniformity Z87G sum w^2 / R
DependenceNonUniformityNormalized OKJI sum w^2 / R^2
DependenceVariance DNX2 sum (j - m)^2 w / R
GrayLevelNonUniformity FP8K sum u^2 / R
GrayLevelVariance 1PFV sum (i - m)^2 u / R
HighGrayLevelEmphasis OAE7 sum i^2 u / R
LargeDependenceEmphasis IMOQ sum j^2 w / R
LargeDependenceHighGrayLevelEmphasis 9QMG sum r i^2 j^2 / R
LargeDependenceLowGrayLevelEmphasis NBZI sum r j^2 / i^2 / R
LowGrayLevelEmphasis TL9H sum u / i^2 / R
SmallDependenceEmphasis SODN sum w / j^2 / R
SmallDependenceHighGrayLevelEmphasis JA6D sum r i^2 / j^2 / R
SmallDependenceLowGrayLevelEmphasis EQ3F sum r / (i^2 j^2) / R
""",
    "glrlm": """
GrayLevelNonUniformity R5YN sum u^2 / R
GrayLevelNonUniformityNormalized OVBL sum u^2 / R^2
GrayLevelVariance 8CE5 sum (i - m)^2 u / R
HighGrayLevelRunEmphasis G3QZ sum i^2 u / R
LongRunEmphasis W4KF sum j^2 w / R
LongRunHighGrayLevelEmphasis 3KUM sum r i^2 j^2 / R
LongRunLowGrayLevelEmphasis IVPO sum r j^2 / i^2 / R
LowGrayLevelRunEmphasis V3SW sum u / i^2 / R
RunEntropy HJ9O H(r / R)
RunLengthNonUniformity W92Y sum w^2 / R
RunLengthNonUniformityNormalized IC23 sum w^2 / R^2
RunPercentage 9ZK5 R / N
RunVariance SXLW sum (j - m)^2 w / R
ShortRunEmphasis 22OV sum w / j^2 / R
ShortRunHighGrayLevelEmphasis GD3A sum r i^2 / j^2 / R
ShortRunLowGrayLevelEmphasis HTZT sum r / (i^2 j^2) / R
""",
    "glszm": """
GrayLevelNonUniformity JNSA sum u^2 / R
GrayLevelNonUniformityNormalized Y1RO sum u^2 / R^2
GrayLevelVariance BYLV sum (i - m)^2 u / R
HighGrayLevelZoneEmphasis 5GN9 sum i^2 u / R
LargeAreaEmphasis 48P8 sum j^2 w / R
LargeAreaHighGrayLevelEmphasis J17V sum r i^2 j^2 / R
LargeAreaLowGrayLevelEmphasis YH51 sum r j^2 / i^2 / R
LowGrayLevelZoneEmphasis XMSY sum u / i^2 / R
SizeZoneNonUniformity 4JP3 sum w^2 / R
SizeZoneNonUniformityNormalized VB3A sum w^2 / R^2
SmallAreaEmphasis P001 sum w / j^2 / R
SmallAreaHighGrayLevelEmphasis HW1V sum r i^2 / j^2 / R
SmallAreaLowGrayLevelEmphasis 5RAI sum r / (i^2 j^2) / R
ZoneEntropy GU8N H(r / R)
ZonePercentage P30P R / N
ZoneVariance 3NSA sum (j - m)^2 w / R
""",
    "ngtdm": """
Busyness NQ30 sum c e / sum over i, j of abs(i c(i) - j c(j))
Coarseness QCDE 1 / sum c e
Complexity HDEZ sum over i, j of abs(i - j) (c(i) e(i) + c(j) e(j)) / (c(i) + c(j)) / sum of n
Contrast 65HE sum over i, j of c(i) c(j) (i - j)^2 / (G (G - 1)) * sum e / sum n
Strength 1X9X sum over i, j of (c(i) + c(j)) (i - j)^2 / sum e
""",
    "shape": """
Elongation Q3CK sqrt(l2 / l1)
Flatness N17B sqrt(l3 / l1)
LeastAxisLength - 4 sqrt(l3); IBSI's 7J51 divides the variance by N - 1
MajorAxisLength - 4 sqrt(l1); IBSI's TDIC divides the variance by N - 1
Maximum2DDiameterColumn - largest distance of two vertices of the mesh with the same y
Maximum2DDiameterRow - largest distance of two vertices of the mesh with the same x
Maximum2DDiameterSlice - largest distance of two vertices of the mesh with the same z
Maximum3DDiameter L0JK largest distance of two vertices of the mesh
MeshVolume RNU0 V
MinorAxisLength - 4 sqrt(l2); IBSI's P9VJ divides the variance by N - 1
Sphericity QCFX (36 pi V^2)^(1/3) / A
SurfaceArea C0JK A
SurfaceVolumeRatio 2PR5 A / V
VoxelVolume YEKZ N v
~Compactness1 SKGS V / (A^1.5 sqrt(pi))
~Compactness2 BQWJ 36 pi V^2 / A^3
~SphericalDisproportion KRCK A / (36 pi V^2)^(1/3)
""",
    "shape2D": """
Elongation - sqrt(l2 / l1), within the plane
MajorAxisLength - 4 sqrt(l1)
MaximumDiameter - largest distance of two vertices of the outline
MeshSurface - area within the outline
MinorAxisLength - 4 sqrt(l2)
Perimeter - length of the outline
PerimeterSurfaceRatio - Perimeter / MeshSurface
PixelSurface - number of pixels times the area of one
Sphericity - 2 sqrt(pi MeshSurface) / Perimeter
~SphericalDisproportion - 1 / Sphericity
""",
}


def _parsed():
    for family, text in _TEXT.items():
        for line in text.strip().splitlines():
            name, code, formula = line.split(" ", 2)
            on_request = name.startswith("~")
            code = "" if code == "-" else code
            yield Feature(family, name.removeprefix("~"), code, formula, on_request)


FEATURE_TABLE = tuple(_parsed())

FEATURES = {
    family: tuple(f.name for f in FEATURE_TABLE if f.family == family and not f.on_request)
    for family in _TEXT
}
"""Names by class, computed by default."""

DEPRECATED = {
    family: tuple(f.name for f in FEATURE_TABLE if f.family == family and f.on_request)
    for family in _TEXT
}
"""Names by class, computed only when named, never as part of "all"."""


def describe_features() -> tuple[Feature, ...]:
    """List every feature with its formula.

    Returns
    -------
    tuple of Feature
        Named tuples: ``family`` and ``name`` as in PyRadiomics; ``ibsi``, the code in the reference
        manual of the Image Biomarker Standardisation Initiative, empty if the manual has no such
        feature or defines it differently; ``formula``, whose symbols the guide explains;
        ``on_request``, whether the feature is computed only when the settings name it.

    Examples
    --------
    >>> from sklidh.radiomics import describe_features
    >>> next(feature.formula for feature in describe_features() if feature.ibsi == "ACUI")
    'sum p (i - j)^2'
    """
    return FEATURE_TABLE
