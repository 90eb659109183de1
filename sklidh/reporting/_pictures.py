"""Pictures of patients: each sequence's slice with the tumour, and where the networks looked."""

import base64
import warnings
from contextlib import contextmanager

import pandas as pd

from sklidh.evaluation import Evaluation
from sklidh.images import read_image, read_mask
from sklidh.plotting import gradient_maps, gradient_thumbnail, thumbnail
from sklidh.utils import is_missing, progress

MOST_PICTURED = 32
"""Patients in a report, at most: with four sequences and networks their pictures are about 2 MB."""


def worth_a_picture(evaluation: Evaluation, patients, most: int = MOST_PICTURED) -> list:
    """Choose whom to picture: misclassified patients, other predicted patients, then the rest."""
    first = evaluation.repeats[0]
    wrong = first["called"] != first["true"]
    ordered = [
        *first.index[wrong],
        *first.index[~wrong],
        *patients.difference(first.index, sort=False),
    ]
    return ordered[:most]


def picture(pipeline, evaluation: Evaluation, X: pd.DataFrame, modalities, *, verbose=0):
    """Draw the patients to be pictured, and what the networks looked at, as `slices_of` does.

    The networks of a fold draw the maps of the patients that the fold left out; patients without
    any network are absent from the maps.
    """
    cases = X.loc[worth_a_picture(evaluation, X.index)]
    slices = registered_slices(pipeline, cases, modalities, verbose=verbose)
    attention = {}
    folds = evaluation.repeats[0].groupby("fold", sort=False)
    # Estimators are in the order of the folds; those of later repeats are not needed.
    for (_, fold), model in zip(folds, evaluation.estimators, strict=False):
        mine = cases[cases.index.isin(fold.index)]
        fitted = getattr(model, "best_estimator_", model)
        if len(mine) and hasattr(fitted, "named_steps"):
            attention |= saliency_of(fitted, mine)
    return slices, attention


def registered_slices(pipeline, cases: pd.DataFrame, modalities, *, verbose=0):
    """Draw patients as `slices_of` does, aligned by a pipeline's step ``register``."""
    with silently():
        if "register" in pipeline.named_steps:
            cases = pipeline["register"].transform(cases)
        rows = progress(cases.iterrows(), "pictures", total=len(cases), verbose=verbose)
        return {
            str(patient): slices_of(row, modalities, label_of(pipeline)) for patient, row in rows
        }


def saliency_of(pipeline, cases: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Draw what a pipeline's networks look at; patients without any network are absent."""
    with silently():
        found = gradient_maps(pipeline, cases)
    return {
        str(patient): {
            modality: _text(gradient_thumbnail(seen.slices[0], seen.masks[0], seen.maps[0]))
            for modality, seen in maps.items()
        }
        for patient, maps in found.items()
        if maps
    }


@contextmanager
def silently():
    """Suppress warnings: every image was read before, and its warnings were given then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def slices_of(case: pd.Series, modalities, label) -> dict[str, str]:
    """Draw each sequence that one patient has, as JPEG in base64."""
    images = {name: read_image(case[name]) for name in modalities if not is_missing(case[name])}
    mask = None
    if images and not is_missing(case["mask"]):
        # Registered or not, the first lies in the mask's grid, on which DICOM masks are laid.
        mask = read_mask(case["mask"], label=label, like=next(iter(images.values())))
    return {name: _text(thumbnail(image, mask)) for name, image in images.items()}


def label_of(pipeline):
    """Return the labels of tumour that a pipeline's steps were given, or None."""
    given = pipeline.get_params().items()
    labels = (value for name, value in given if name.endswith("label") and value is not None)
    return next(labels, None)


def _text(image: bytes) -> str:
    return base64.b64encode(image).decode()
