"""The named settings, written as PyRadiomics parameter files.

``"paper"`` follows section II-B of Shi et al. 2023, which gives counts and PyRadiomics 2.0.0 but no
parameter file: first-order 18, shape 13, texture 68, wavelet 430, LoG 258, gradient 86, 873 in all.
The counts are interpreted as follows; this is evidence, not proof.

- 430 = 5 x 86 wavelet features are five sub-bands of 18 + 68 features; three dimensions would give
  eight sub-bands. PyRadiomics around 2.0.0 gives five with ``force2D``: LL, LH, HL and HH, since
  development builds returned the approximation among the sub-bands (its issue 374), and the
  approximation a second time, named ``wavelet-LLL`` even in two dimensions until 2.0.1 (its issue
  398). The release 2.0.0 itself no longer returned LL under its own name. Here as there, the
  columns ``wavelet-LLL`` duplicate those of ``wavelet-LL``; a selector that drops correlated
  columns drops one of the two.
- ``force2D`` computes texture and wavelets slice by slice; the Laplacian of Gaussian, the gradient
  and first-order features remain three-dimensional, as in PyRadiomics.
- 258 = 3 x 86 are three widths of the Laplacian of Gaussian. The paper does not state them; 1, 3
  and 5 mm, fine to coarse, are used here.
- 68 = 22 GLCM + 16 GLRLM + 16 GLSZM + 14 GLDM are all textures of 2.0.0 except NGTDM and the GLCM's
  SumAverage, which is twice its JointAverage. The GLCM's MCC was added later.
- 13 shape features are all features of 2.0.0 not marked redundant. Its Volume, counted in voxels,
  is now VoxelVolume, its MajorAxis is MajorAxisLength, and MeshVolume was added in 2.1.0.

Values are those of 3.0.1. For SurfaceVolumeRatio and Sphericity, 2.0.0 counted the volume in
voxels, while 3.0.1 uses the volume of the mesh.
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

# Images whose columns duplicate those of another image.
REPEATED = {"paper": {"wavelet-LLL": "wavelet-LL"}}
