"""The same features from PyRadiomics 3.0.1, the reference for the native engine."""

import logging
import threading
import warnings
from contextlib import contextmanager
from importlib import import_module

import numpy as np

from sklidh.radiomics._ibsi_filter_table import IBSI_FILTERS
from sklidh.radiomics._names import feature_names, in_order
from sklidh.radiomics._roi import check_grid
from sklidh.radiomics._settings import Settings, SettingsError

VERSION = "3.0.1"


def check_supported(settings: Settings) -> None:
    """Check, before any image is read, that PyRadiomics supports the settings.

    Raises
    ------
    ImportError
        PyRadiomics, or a package that one of its filters needs, is not installed.
    SettingsError
        The settings request IBSI features or filters.
    """
    if settings.standard != "pyradiomics":
        raise SettingsError(
            "engine='pyradiomics' does not compute the features of IBSI's presets; "
            "engine='native' does"
        )
    own = [name for name in settings.image_types if name in IBSI_FILTERS]
    if own:
        raise SettingsError(
            f"engine='pyradiomics' has no filters of IBSI's, such as imageType {own[0]}; "
            "engine='native' has"
        )
    try:
        import radiomics
    except ImportError as error:
        raise ImportError(
            "engine='pyradiomics' needs PyRadiomics, which is not installed here. It builds on "
            "Python < 3.12 with a C compiler: pip install numpy setuptools wheel, then "
            f"pip install --no-build-isolation pyradiomics=={VERSION}. engine='native' needs "
            "neither."
        ) from error
    if radiomics.__version__.lstrip("v") != VERSION:
        raise ImportError(
            f"engine='pyradiomics' is PyRadiomics {VERSION}; {radiomics.__version__} is installed, "
            f"whose values differ. pip install --no-build-isolation pyradiomics=={VERSION}"
        )
    # If PyRadiomics cannot import a filter, it skips the filter with only a log message.
    for image_type, module, name in (
        ("LBP2D", "skimage.feature", "local_binary_pattern"),
        ("LBP3D", "scipy.special", "sph_harm"),
        ("LBP3D", "trimesh.creation", "icosphere"),
    ):
        if image_type in settings.image_types:
            try:
                getattr(import_module(module), name)
            except (ImportError, AttributeError) as error:
                raise ImportError(
                    f"imageType {image_type}: PyRadiomics takes {name} from {module}, which is not "
                    f"to be had here ({error}); install it or leave {image_type} out"
                ) from error


def measure(volume, mask, spacing, settings: Settings) -> tuple[dict[str, float], dict[str, int]]:
    """Return the result of `extract`, and the grey levels of the region in the unfiltered image."""
    from sklidh.radiomics._extract import count_levels

    features = extract(volume, mask, spacing, settings)
    return features, count_levels(volume, mask, spacing, settings)


def extract(volume, mask, spacing, settings: Settings) -> dict[str, float]:
    """Extract the features of one image and mask with PyRadiomics.

    Parameters
    ----------
    volume : ndarray of shape (n_slices, n_rows, n_columns)
        The intensities in their stored type.
    mask : ndarray of bool of shape (n_slices, n_rows, n_columns)
        True in the tumour.
    spacing : tuple of 3 float
        Voxel size along slices, rows and columns, in mm.
    settings : Settings

    Returns
    -------
    dict of str to float
        In the order of `feature_names`. NaN only where PyRadiomics defines no value, such as the
        GLCM of a region without two neighbouring voxels.

    Raises
    ------
    ValueError
        PyRadiomics refuses the region, fails in a feature, or leaves columns out (which it does
        with only a log message if an image is too small for a filter).
    """
    import SimpleITK as sitk
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    check_grid(volume, mask, spacing)
    # Origin and direction are ignored: they move a tumour but change no feature, except that
    # PyRadiomics rounds a resampled voxel half way between two by the origin's last digits.
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume))
    tumour = sitk.GetImageFromArray(np.ascontiguousarray(mask, dtype=np.uint8))
    for grid in (image, tumour):
        grid.SetSpacing([float(s) for s in reversed(spacing)])
    with _messages() as messages, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # errors show in the values and in the log
        # Image and mask share one grid already; PyRadiomics would set its tolerance for all of ITK.
        neutral = {"label": 1, "additionalInfo": False, "geometryTolerance": None}
        extractor = RadiomicsFeatureExtractor(**settings.setting | neutral)
        extractor.disableAllImageTypes()
        extractor.enableImageTypes(**settings.image_types)
        extractor.disableAllFeatures()
        extractor.enableFeaturesByName(
            **{name: list(features) for name, features in settings.feature_classes.items()}
        )
        values = extractor.execute(image, tumour)
    failures = [text for level, text in messages if level >= logging.ERROR]
    if failures:
        raise ValueError("PyRadiomics failed: " + failures[0].strip().splitlines()[-1])
    try:
        return in_order(values, settings)
    except KeyError:
        absent = [name for name in feature_names(settings) if name not in values]
        said = "; ".join(dict.fromkeys(text for _, text in messages)) or "it logged nothing"
        raise ValueError(
            f"PyRadiomics left out {len(absent)} features, the first {absent[0]!r}: {said}"
        ) from None


class _Collector(logging.Handler):
    """Collect PyRadiomics' log messages in this thread, and keep them off the terminal."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.messages = []

    def emit(self, record):
        if not self.of_another_thread(record):
            self.messages.append((record.levelno, record.getMessage()))

    def of_another_thread(self, record) -> bool:
        return record.thread != self.thread


@contextmanager
def _messages():
    import radiomics

    collector = _Collector()
    radiomics.logger.addHandler(collector)
    radiomics.handler.addFilter(collector.of_another_thread)
    try:
        yield collector.messages
    finally:
        radiomics.handler.removeFilter(collector.of_another_thread)
        radiomics.logger.removeHandler(collector)
