"""Shared base of the transformers that process one image at a time."""

import os
from numbers import Integral

import SimpleITK as sitk
from joblib import delayed
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Options, StrOptions

from sklidh.images._cached_images import cache_entry, cached_record, keep
from sklidh.images._columns import image_columns
from sklidh.images._errors import ImageError, as_image_error, describe_source, prefixed_errors
from sklidh.images._grids import grid_difference
from sklidh.images._reading import read_image, read_labels, read_mask
from sklidh.images._table import TableTransformer, with_cells
from sklidh.utils import cache_folder, check_cases, is_missing, spread


def prepare_image(
    patient, modality, cell, region, *, prepare, name, folder, is_mask=False, label=None
):
    """Prepare one image, or load it from the cache.

    Parameters
    ----------
    patient, modality : object
        Named in messages.
    cell : str, path or SimpleITK.Image
    region : str, path, SimpleITK.Image or None
        The cell of a mask passed to `prepare`, as `read_mask` reads it.
    prepare : functools.partial
        Called with the image, and the mask if there is one; returns an image, or None if the image
        is unchanged. Its arguments are settings and part of the cached file's name.
    name : str
        The step and the version of its arithmetic.
    folder : Path or None
        The cache.
    is_mask : bool, default=False
        Whether `cell` is a mask.
    label : int, str, sequence of these, or None
        Of a mask, as in `read_mask`.

    Raises
    ------
    ImageError
        The image cannot be read or prepared; patient, column and path are named.
    """
    cells = [cell] if region is None else [cell, region]
    settings = name, sorted(prepare.keywords.items()), is_mask, str(label)
    entry = cache_entry(folder, cells, *settings)
    record = cached_record(entry)
    if record is None:
        about = {"patient": patient, "modality": modality}
        image = read_labels(cell, label=label, **about) if is_mask else read_image(cell, **about)
        with prefixed_errors(describe_source(cell, patient, modality)):
            masks = [] if region is None else [_mask_of(region, image, patient)]
            with as_image_error(name):
                prepared = prepare(image, *masks)
        record = keep(entry, prepared)
    return cell if record["image"] is None else record["image"]


def _mask_of(region, image, patient) -> sitk.Image:
    mask = read_mask(region, like=image, patient=patient)
    difference = grid_difference(image, mask)
    if difference:
        raise ImageError(f"lies in another grid than its mask: {difference}")
    return mask


class ImagePreparation(TableTransformer):
    """Prepare each image of a table separately.

    A subclass defines the parameters ``modalities``, ``missing``, ``cache``, ``n_jobs`` and
    ``verbose``, a ``_name``, and `_preparation`. It may learn from data in `_learn`.
    """

    _parameter_constraints: dict = {
        "modalities": [None, "array-like"],
        "missing": [StrOptions({"raise", "nan"})],
        "cache": [None, Options(bool, {False}), str, os.PathLike],
        "n_jobs": [None, Integral],
        "verbose": ["verbose"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the table, and learn from it if the step learns anything.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Index: patient ids. Paths or images in memory in the columns of modalities and masks.
        y : array-like of shape (n_patients,), default=None
            Checked if given, not used.

        Returns
        -------
        ImagePreparation
            This one.
        """
        check_cases(X, [])
        named = image_columns(X) if self.modalities is None else self.modalities
        self.modalities_ = [column for column in named if column != "mask"]
        self._check_fit(X, y)
        self._learn(X)
        return self

    def transform(self, X):
        """Prepare every patient's images.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            The columns seen in `fit`.

        Returns
        -------
        DataFrame of shape (n_patients, n_columns)
            The same rows and columns. Prepared images are paths in the cache, or SimpleITK images
            if the inputs are images or `cache` is False.

        Raises
        ------
        CohortError
            All problems of the table, before any image is read.
        ImageError
            An image cannot be read or prepared; patient, column and path are named.
        """
        X = self._check_transform(X)
        columns = [*self.modalities_, *self._masks()]
        places = [
            (patient, column)
            for column in columns
            for patient in X.index
            if not is_missing(X.at[patient, column])
        ]
        folder = cache_folder(self.cache, self._name)
        jobs = [
            delayed(prepare_image)(
                patient,
                column,
                X.at[patient, column],
                X.at[patient, self._region()] if self._region() else None,
                prepare=self._preparation(column),
                name=f"{self._name} {self._arithmetic}",
                folder=folder,
                is_mask=column in self._masks(),
                label=getattr(self, "label", None) if column in self._masks() else None,
            )
            for patient, column in places
        ]
        results = spread(jobs, self._name, n_jobs=self.n_jobs, verbose=self.verbose)
        done = dict(zip(places, results, strict=True))
        cells = {
            column: [done.get((patient, column), X.at[patient, column]) for patient in X.index]
            for column in columns
        }
        return with_cells(X, cells)

    def _learn(self, X) -> None:
        """Learn from the training rows; the default learns nothing."""

    def _masks(self) -> list[str]:
        """Return the mask columns that are prepared too."""
        return []

    def _region(self) -> str | None:
        """Return the mask column passed to every preparation."""
        return None

    def _check_cells(self, X) -> None:
        region = [self._region()] if self._region() else []
        check_cases(X, [*self.modalities_, *self._masks(), *region], missing=self.missing)
