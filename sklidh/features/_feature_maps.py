"""Maps of selected features for patients of a table, as images and as NIfTI files."""

import os
from pathlib import Path

import pandas as pd
import SimpleITK as sitk
from joblib import delayed

from sklidh.features._radiomics_case import ExtractionError, grid_options
from sklidh.images import check_label, describe_source, read_case
from sklidh.radiomics import feature_maps, map_names, read_settings
from sklidh.utils import (
    CohortError,
    Problem,
    atomic_write,
    check_image_and_mask,
    is_missing,
    listed,
    spread,
)


def map_columns(features, settings, columns) -> dict[str, dict[str, str]]:
    """Check names of features, and sort them by the column of their image.

    Parameters
    ----------
    features : sequence of str
        As for `feature_map_images`.
    settings : str, dict, path or Settings
    columns : sequence of str
        Columns of the table.

    Returns
    -------
    dict of str to dict of str to str
        By column of an image, and by feature: PyRadiomics' name.

    Raises
    ------
    ValueError
        A name has no map; the message lists what is accepted.
    """
    settings, found = read_settings(settings, maps=True), {}
    for name in features:
        column, separator, feature = str(name).partition("__")
        if not separator or column not in columns:
            raise ValueError(
                f"features: {name!r} does not begin with the column of an image and __, as in "
                f"T1CE__radiomics__original_glcm_Contrast; the table has {listed(columns)}"
            )
        kind, _, feature = feature.rpartition("__")
        if kind not in ("", "radiomics"):
            # A region's name must not label the map of the whole tumour.
            raise ValueError(
                f"features: {name!r}: {kind!r} is not radiomics of the whole mask, and only that "
                "has maps; for a region of the mask, choose its label"
            )
        try:
            map_names(settings, [feature])
        except ValueError as error:
            raise type(error)(f"{name}: {error}") from None
        found.setdefault(column, {})[name] = feature
    return found


def check_map_folders(patients) -> None:
    """Check that every patient's id can be the name of a folder, which holds the patient's maps.

    Parameters
    ----------
    patients : Index

    Raises
    ------
    CohortError
        An id has a path separator, or is ``.`` or ``..``.
    """
    problems = [
        Problem.of(
            patient,
            "the id cannot name a folder of maps (it has a slash, or is . or ..); rename the "
            "patient",
        )
        for patient in patients
        if str(patient) != Path(str(patient)).name or str(patient) == ".."
    ]
    if problems:
        raise CohortError(problems)


def feature_map_images(
    case, features, *, settings="paper", mask="mask", label=None
) -> dict[str, sitk.Image]:
    """Compute maps of features of one patient, as images.

    Parameters
    ----------
    case : Series
        One row of a table: paths or images in memory by column; its name is the patient.
    features : sequence of str
        Columns of a table of radiomics, as ``T1CE__radiomics__original_glcm_Contrast``: the image's
        column, then, after the last ``__``, PyRadiomics' name.
    settings : str, dict, path or Settings, default="paper"
        Those of the `RadiomicsExtractor`, with or without PyRadiomics' ``voxelSetting``; see
        `sklidh.radiomics.feature_maps`.
    mask : str, default="mask"
        Column of the mask.
    label : int, str or sequence of these, default=None
        The labels of the mask that are tumour; None means the settings' ``label`` if they have
        one, else every label above 0.

    Returns
    -------
    dict of str to SimpleITK.Image
        By feature, in the geometry of the image, double precision. Features of a sequence that the
        patient lacks are left out.

    Raises
    ------
    ValueError
        A name has no map.
    ImageError
        An image cannot be read, or has no such features.
    """
    settings = read_settings(settings, maps=True)
    images = {}
    for column, names in map_columns(features, settings, case.index).items():
        if not is_missing(case[column]):
            images |= _images(case, column, names, settings, mask, label)
    return {name: images[name] for name in features if name in images}


def write_feature_maps(
    X, features, folder, *, settings="paper", mask="mask", label=None, n_jobs=None, verbose=0
) -> pd.DataFrame:
    """Write maps of features as NIfTI files, for every patient of a table.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        Images and mask of each patient in one grid: the table that enters the `RadiomicsExtractor`,
        so after registration if there is one.
    features : sequence of str
        As for `feature_map_images`, such as the columns that a fitted pipeline selected.
    folder : str or path
        Where the files go: ``folder/patient/feature.nii.gz``, which are replaced if they exist.
    settings, mask, label : optional
        All as for `feature_map_images`.
    n_jobs : int, default=None
        Number of patients at a time, as in scikit-learn.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    DataFrame of shape (n_patients, n_features)
        Paths of the files; None for a sequence that the patient lacks.

    Raises
    ------
    ValueError
        A name has no map, or a patient's name cannot be a folder's.
    ImageError
        An image cannot be read, or has no such features.

    See Also
    --------
    sklidh.plotting.FeatureMapDisplay : Draws them over a slice.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklidh.datasets import make_glioma_phantoms
    >>> from sklidh.features import write_feature_maps
    >>> folder = TemporaryDirectory()
    >>> X, y = make_glioma_phantoms(folder.name, n_patients=2, size=24, misalignment=(0, 0))
    >>> paths = write_feature_maps(X, ["T1CE__radiomics__original_glcm_Idm"], folder.name)
    >>> paths.shape
    (2, 1)
    """
    settings, features = read_settings(settings, maps=True), list(features)
    columns = map_columns(features, settings, X.columns)
    check_label(label)
    for column in columns:
        check_image_and_mask(X[[column, mask]], missing="nan")
    check_map_folders(X.index)
    jobs = [
        delayed(_write)(case, features, Path(folder) / str(patient), settings, mask, label)
        for patient, case in X.iterrows()
    ]
    rows = list(spread(jobs, "feature maps", n_jobs=n_jobs, verbose=verbose))
    return pd.DataFrame(rows, X.index, features, dtype=object)


def _images(case, column, names, settings, mask, label):
    label = settings.setting["label"] if label is None else label
    where = {"patient": case.name, "modality": column}
    image, tumour = read_case(
        case[column], case[mask], label=label, **where, **grid_options(settings)
    )
    volume, region = sitk.GetArrayFromImage(image), sitk.GetArrayViewFromImage(tumour) != 0
    try:
        maps = feature_maps(
            volume, region, image.GetSpacing()[::-1], settings, list(names.values())
        )
    except ValueError as error:
        raise ExtractionError(f"{describe_source(case[column], **where)}: {error}") from error
    images = {}
    for name, feature in names.items():
        images[name] = sitk.GetImageFromArray(maps[feature])
        images[name].CopyInformation(image)
    return images


def _write(case, features, folder, settings, mask, label):
    images = feature_map_images(case, features, settings=settings, mask=mask, label=label)
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        with atomic_write(folder / f"{name}.nii.gz") as path:
            sitk.WriteImage(image, os.fspath(path), useCompression=True)
    return [str(folder / f"{name}.nii.gz") if name in images else None for name in features]
