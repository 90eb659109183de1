"""Pictures of patients: one slice per sequence with the tumour, and saliency maps."""

import base64
import warnings
from contextlib import contextmanager

import pandas as pd

from sklidh.evaluation import Evaluation
from sklidh.images import read_image, read_mask
from sklidh.plotting import gradient_maps, gradient_thumbnail, thumbnail
from sklidh.utils import is_missing, progress

MOST_PICTURED = 32
"""Maximum number of patients pictured in a report, about 2 MB with saliency maps."""


def choose_patients(evaluation: Evaluation, patients, most: int = MOST_PICTURED) -> list:
    """Choose patients for pictures: misclassified ones, other test patients, then the rest."""
    first = evaluation.repeats[0]
    wrong = first["called"] != first["true"]
    ordered = [
        *first.index[wrong],
        *first.index[~wrong],
        *patients.difference(first.index, sort=False),
    ]
    return ordered[:most]


def picture(pipeline, evaluation: Evaluation, X: pd.DataFrame, modalities, *, verbose=0):
    """Draw slices of the chosen patients, and the saliency maps of their networks.

    The maps of a patient come from the networks of the fold that left the patient out; patients
    without networks have no maps.
    """
    cases = X.loc[choose_patients(evaluation, X.index)]
    slices = registered_slices(pipeline, cases, modalities, verbose=verbose)
    attention = {}
    folds = evaluation.repeats[0].groupby("fold", sort=False)
    # Estimators are in the order of the folds; only the first repeat is needed.
    for (_, fold), model in zip(folds, evaluation.estimators, strict=False):
        mine = cases[cases.index.isin(fold.index)]
        fitted = getattr(model, "best_estimator_", model)
        if len(mine) and hasattr(fitted, "named_steps"):
            attention |= saliency_of(fitted, mine)
    return slices, attention


def registered_slices(pipeline, cases: pd.DataFrame, modalities, *, verbose=0):
    """Draw slices of patients, registered by a pipeline's step ``register`` if it has one."""
    with no_warnings():
        if "register" in pipeline.named_steps:
            cases = pipeline["register"].transform(cases)
        rows = progress(cases.iterrows(), "pictures", total=len(cases), verbose=verbose)
        return {
            str(patient): slices_of(row, modalities, label_of(pipeline)) for patient, row in rows
        }


def saliency_of(pipeline, cases: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Draw the saliency maps of a pipeline's networks; patients without networks are absent."""
    with no_warnings():
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
def no_warnings():
    """Suppress warnings, which were already issued when the images were read before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def slices_of(case: pd.Series, modalities, label) -> dict[str, str]:
    """Draw each available sequence of one patient, as JPEG in base64."""
    images = {name: read_image(case[name]) for name in modalities if not is_missing(case[name])}
    mask = None
    if images and not is_missing(case["mask"]):
        # The first image is on the grid of the mask, to which a DICOM mask is converted.
        mask = read_mask(case["mask"], label=label, like=next(iter(images.values())))
    return {name: _text(thumbnail(image, mask)) for name, image in images.items()}


def label_of(pipeline):
    """Return the tumour labels that a pipeline's steps were given, or None."""
    given = pipeline.get_params().items()
    labels = (value for name, value in given if name.endswith("label") and value is not None)
    return next(labels, None)


def _text(image: bytes) -> str:
    return base64.b64encode(image).decode()
