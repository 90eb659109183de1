"""Stage 4: fuse blocks of columns, one per modality, into one probability."""

from importlib import import_module

from sklidh.fusion._brnn import BRNNClassifier
from sklidh.fusion._late import LateFusionClassifier

# Loaded on first use, so that `import sklidh.fusion` does not import torch.
_WITH_TORCH = {
    "BatchedGridSearchCV": "sklidh.fusion._grid_search",
    "InvariantSpecificFusionClassifier": "sklidh.fusion._invariant_specific",
}

__all__ = [
    "BRNNClassifier",
    "BatchedGridSearchCV",
    "InvariantSpecificFusionClassifier",
    "LateFusionClassifier",
]


def __getattr__(name):
    if name not in _WITH_TORCH:
        raise AttributeError(f"module 'sklidh.fusion' has no attribute {name!r}")
    return getattr(import_module(_WITH_TORCH[name]), name)


def __dir__():
    return __all__
