"""Predict a glioma's IDH mutation from four MR sequences, as one scikit-learn Pipeline."""

from importlib import import_module
from importlib.metadata import version

__version__ = version("sklidh")

# Public name -> module, loaded on first use so that `import sklidh` does not import torch.
_PUBLIC = {
    "RigidRegistration": "sklidh.images",
    "Resampling": "sklidh.images",
    "BiasFieldCorrection": "sklidh.images",
    "IntensityNormalization": "sklidh.images",
    "RadiomicsExtractor": "sklidh.features",
    "SANetFeaturizer": "sklidh.features",
    "SANetClassifier": "sklidh.features",
    "ComBat": "sklidh.selection",
    "MannWhitneySelector": "sklidh.selection",
    "CorrelationPruner": "sklidh.selection",
    "LassoCVSelector": "sklidh.selection",
    "RobustnessSelector": "sklidh.selection",
    "InvariantSpecificFusionClassifier": "sklidh.fusion",
    "BatchedGridSearchCV": "sklidh.fusion",
    "LateFusionClassifier": "sklidh.fusion",
    "BRNNClassifier": "sklidh.fusion",
    "per_modality": "sklidh.pipeline",
    "make_idh_pipeline": "sklidh.pipeline",
    "load_cohort": "sklidh.datasets",
    "load_model": "sklidh.persistence",
    "save_model": "sklidh.persistence",
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sklidh' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__():
    return sorted([*globals(), *_PUBLIC])
