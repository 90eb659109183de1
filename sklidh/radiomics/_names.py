"""The names of an extraction's features, in PyRadiomics' order."""

from itertools import product

from sklidh.radiomics._ibsi_filter_table import IBSI_FILTERS, response_names
from sklidh.radiomics._settings import Settings

SHAPES = ("shape", "shape2D", "morph")
"""Classes that describe the region and not an image, computed once."""


def feature_names(settings: Settings) -> list[str]:
    """Return the column names in table order, as in PyRadiomics.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    list of str
        ``original_shape_...`` first, then image by image ``<image>_<class>_<feature>``.
    """
    names = [
        f"original_{shape}_{feature}"
        for shape in SHAPES
        for feature in settings.feature_classes.get(shape, ())
    ]
    names += [
        f"{image}_{name}_{feature}"
        for image in image_names(settings)
        for name, features in settings.feature_classes.items()
        if name not in SHAPES
        for feature in features
    ]
    return names


def image_names(settings: Settings) -> list[str]:
    """Return the names of the filtered images, with repeated ones after their source."""
    names = []
    for image_type in settings.image_types:
        for name in images_of(image_type, settings.of_image_type(image_type)):
            names.append(name)
            names += [copy for copy, source in settings.repeated.items() if source == name]
    return names


def log_name(sigma: float) -> str:
    """Return the name of the Laplacian of Gaussian for one width in mm, keeping its spelling."""
    return f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D"


def in_order(values: dict[str, float], settings: Settings) -> dict[str, float]:
    """Order an engine's values like `feature_names`, and add the repeated ones.

    Parameters
    ----------
    values : dict of str to float
        All columns except those of a repeated image; additional values are dropped.
    settings : Settings
    """
    ordered = {}
    for name in feature_names(settings):
        image, feature = name.split("_", 1)
        ordered[name] = float(values[f"{settings.repeated.get(image, image)}_{feature}"])
    return ordered


def images_of(image_type: str, setting: dict) -> list[str]:
    """Return the names of an image type's images."""
    match image_type:
        case "LoG":
            return [log_name(sigma) for sigma in setting["sigma"]]
        case "Wavelet":
            n_axes = 2 if setting["force2D"] else 3
            *bands, approximation = ["".join(band) for band in product("HL", repeat=n_axes)]
            levels = ["wavelet" + (str(i) if i > 1 else "") for i in range(1, setting["level"] + 1)]
            # Low before high, as in PyRadiomics; the approximation comes once, after all levels.
            names = [f"{level}-{band}" for level in levels for band in reversed(bands)]
            return [*names, f"{levels[-1]}-{approximation}"]
        case "LBP2D":
            return ["lbp-2D"]
        case "LBP3D":
            return [*(f"lbp-3D-m{i + 1}" for i in range(setting["lbp3DLevels"])), "lbp-3D-k"]
        case _ if image_type in IBSI_FILTERS:
            return response_names(image_type, setting)
        case _:
            return [image_type.lower()]
