"""Prepared images kept between runs, each with a record that vouches for it."""

import json
import os
from pathlib import Path

import SimpleITK as sitk

from sklidh.images._errors import ImageError
from sklidh.images._files import load_image
from sklidh.utils import atomic_write, files_of, fingerprint, is_path


def cache_entry(folder, cells, *settings, suffix=".nii.gz"):
    """Return the cached image's path, or None where nothing is to be kept.

    Parameters
    ----------
    folder : Path or None
        The cache.
    cells : sequence of str, path or SimpleITK.Image
        The images that it depends on; what comes from an image in memory is never kept.
    *settings : object with a faithful text
        All else that it depends on.
    suffix : {".nii.gz", ".nrrd"}, default=".nii.gz"
        The format; NRRD keeps the names of a mask's labels.
    """
    if folder is None or not all(map(is_path, cells)):
        return None
    files = [file for cell in cells for file in files_of(cell)]
    return folder / f"{fingerprint(*files, *settings)}{suffix}"


def cached_record(entry):
    """Return the record of a cached image, or None where there is none that can be trusted.

    Returns
    -------
    dict or None
        What `keep` was given; ``"image"`` is the path, or None if the image stays as it is.
    """
    if entry is None:
        return None
    try:
        record = json.loads(_record(entry).read_text())
        digest = record.pop("digest")
        # A file that is cut off, damaged or another's is made anew.
        if digest is not None and fingerprint(entry) != digest:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return record | {"image": None if digest is None else str(entry)}


def keep(entry, image, **record):
    """Write an image into the cache, and return its record as `cached_record` will.

    Parameters
    ----------
    entry : Path or None
        None keeps nothing: the image itself is in the record.
    image : SimpleITK.Image or None
        None if the image stays as it is.
    **record : what JSON can hold

    Raises
    ------
    OSError
        The image could not be written whole; SimpleITK says nothing where the disk is full.
    """
    if entry is None:
        return record | {"image": image}
    digest = None
    if image is not None:
        with atomic_write(entry) as path:
            try:
                sitk.WriteImage(image, os.fspath(path), useCompression=True)
                load_image(path)
            except (RuntimeError, ImageError) as error:
                raise OSError(
                    f"{entry} could not be written whole: is the disk full, or its folder for "
                    f"reading only? ({str(error).strip().splitlines()[-1]})"
                ) from error
        digest = fingerprint(entry)
    # The record comes last: it vouches for the image.
    with atomic_write(_record(entry)) as path:
        path.write_text(json.dumps(record | {"digest": digest}))
    return record | {"image": None if image is None else str(entry)}


def _record(entry: Path) -> Path:
    return entry.with_name(entry.name.split(".")[0] + ".json")
