"""The settings that have a name, written as PyRadiomics parameter files.

``"paper"`` is section II-B of Shi et al. 2023, which gives counts and PyRadiomics 2.0.0, and no
parameter file: first-order 18, shape 13, texture 68, wavelet 430, LoG 258, gradient 86, 873 in all.
How they are read here, and why; it is evidence, not proof.

- 430 = 5 x 86 wavelet features are five sub-bands of 18 + 68 features, where three dimensions have
  eight. PyRadiomics around 2.0.0 gives five with ``force2D``: LL, LH, HL and HH, since development
  builds returned the approximation among the sub-bands (its issue 374), and the approximation once
  more, whose name was ``wavelet-LLL`` in two dimensions too until 2.0.1 (its issue 398). The
  release 2.0.0 itself had stopped returning LL under its own name. The columns ``wavelet-LLL`` are
  those of ``wavelet-LL`` here, as they were there: a selector that drops correlated columns drops
  one of the two.
- ``force2D`` takes the texture and the wavelet slice by slice; the Laplacian of Gaussian, the
  gradient and first-order features are three-dimensional all the same, as in PyRadiomics.
- 258 = 3 x 86 are three widths of the Laplacian of Gaussian. The paper does not say which;
  1, 3 and 5 mm, fine to coarse, are taken here.
- 68 = 22 GLCM + 16 GLRLM + 16 GLSZM + 14 GLDM are all the textures of 2.0.0 but the NGTDM and the
  GLCM's SumAverage, which is twice its JointAverage. The GLCM's MCC came later.
- 13 shape features are all of 2.0.0 that it did not call redundant. Its Volume, counted in voxels,
  is VoxelVolume today, its MajorAxis is MajorAxisLength, and MeshVolume came with 2.1.0.

Values are 3.0.1's. In SurfaceVolumeRatio and Sphericity 2.0.0 had the volume counted in voxels,
3.0.1 has that of the mesh.
"""

SHAPE = (
    "Elongation Flatness LeastAxisLength MajorAxisLength Maximum2DDiameterColumn "
    "Maximum2DDiameterRow Maximum2DDiameterSlice Maximum3DDiameter MinorAxisLength Sphericity "
    "SurfaceArea SurfaceVolumeRatio VoxelVolume"
)
GLCM = (
    "Autocorrelation ClusterProminence ClusterShade ClusterTendency Contrast Correlation "
    "DifferenceAverage DifferenceEntropy DifferenceVariance Id Idm Idmn Idn Imc1 Imc2 "
    "InverseVariance JointAverage JointEnergy JointEntropy MaximumProbability SumEntropy SumSquares"
)
IMAGE_TYPES = {"Original": {}, "Wavelet": {}, "LoG": {"sigma": [1.0, 3.0, 5.0]}, "Gradient": {}}

PRESETS = {
    "paper": {
        "imageType": IMAGE_TYPES,
        "featureClass": {
            "shape": SHAPE.split(),
            "firstorder": [],
            "glcm": GLCM.split(),
            "glrlm": [],
            "glszm": [],
            "gldm": [],
        },
        "setting": {"force2D": True},
    },
    "full": {"imageType": IMAGE_TYPES},
}

# Images whose columns are those of another one once more.
REPEATED = {"paper": {"wavelet-LLL": "wavelet-LL"}}
