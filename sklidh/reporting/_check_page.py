"""A page of thumbnails that shows the problems of a cohort at a glance."""

import base64
from dataclasses import dataclass, field, replace

import pandas as pd

from sklidh.images import ImageError, inspect_case, voxel_digests
from sklidh.images._grids import volume_of
from sklidh.plotting import thumbnail
from sklidh.reporting._page import render_page
from sklidh.utils import is_missing

SIDE = 352
"""Longer side of a picture in pixels: twice the size at which it is shown, for enlarging."""


@dataclass(frozen=True)
class CheckedCase:
    """One patient's row of the page.

    ``pictures`` holds, by modality, a JPEG picture in base64 and the voxel size, or "" and the
    reason why there is no picture; ``digests`` is from `sklidh.images.voxel_digests`; ``tumour``
    states volume and labels.
    """

    patient: str
    errors: list[str]
    warnings: list[str]
    pictures: dict[str, tuple[str, str]] = field(repr=False)
    digests: dict[str, str] = field(repr=False)
    tumour: str = ""


def examine(case: pd.Series, modalities, *, label, reference, missing) -> CheckedCase:
    """Read one patient's images, find their problems, and draw them.

    Parameters
    ----------
    case : Series
    modalities : sequence of str
    label : int, sequence of int or None
    reference : str or None
    missing : {"raise", "nan"}
        All as in `sklidh.images.check_case`.

    Returns
    -------
    CheckedCase
    """
    mask = "mask" if "mask" in case else None
    found = inspect_case(
        case, modalities, mask=mask, label=label, reference=reference, missing=missing
    )
    pictures = {}
    for modality in modalities:
        if modality in found.images:
            image = found.images[modality]
            picture = base64.b64encode(thumbnail(image, found.mask, SIDE)).decode()
            pictures[modality] = (
                picture,
                "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}".join(
                    f"{edge:.3g}" for edge in image.GetSpacing()
                ),
            )
        else:
            empty = is_missing(case[modality])
            pictures[modality] = ("", "not acquired" if empty else "cannot be read")
    lines = {True: [], False: []}
    for problem in found.problems:
        lines[isinstance(problem, ImageError)].append(" ".join(str(problem).split()))
    tumour = "" if found.mask is None else tumour_in_words(found.mask, label)
    digests = voxel_digests(found)
    return CheckedCase(str(case.name), lines[True], lines[False], pictures, digests, tumour)


def tumour_in_words(mask, label) -> str:
    """Describe a mask that is 1 in the tumour, as in "Tumour: 34.2 ml (labels 1, 4)"."""
    named = label if isinstance(label, list | tuple) else [label]
    labels = f"label{'s' * (len(named) > 1)} {', '.join(map(str, named))}"
    return f"Tumour: {volume_of(mask):.3g} ml ({'all labels' if label is None else labels})"


def assign_problems(cases, problems) -> tuple[list[CheckedCase], list[str]]:
    """Assign the table's problems to the patients they name; also return the other problems."""
    named = {case.patient: [] for case in cases}
    others = []
    for line in problems:
        named.get(getattr(line, "patient", None), others).append(line)
    cases = [replace(case, errors=[*named[case.patient], *case.errors]) for case in cases]
    return cases, others


def render_check(
    title: str, problems: list[str], doubts: list[str], modalities, cases: list[CheckedCase]
) -> str:
    """Render the checked cases as HTML that needs no network and no other file.

    Parameters
    ----------
    title : str
    problems : list of str or Problem
        Problems of the table.
    doubts : list of str
        Identical images of different patients, from `sklidh.images.same_images`.
    modalities : sequence of str
    cases : list of CheckedCase
        Patients with problems are shown first.

    Returns
    -------
    str
        The HTML page. Every text from the cohort is escaped.
    """
    cases, problems = assign_problems(cases, problems)
    worst_first = sorted(cases, key=lambda case: (-len(case.errors), -len(case.warnings)))
    return render_page(
        "check.html",
        title=title,
        problems=problems,
        doubts=doubts,
        modalities=modalities,
        cases=worst_first,
    )
