"""Find a cohort's images in a folder by the file names of public collections."""

import re
from collections import defaultdict
from pathlib import Path

import pandas as pd

from sklidh.utils import CohortError, listed

NIFTI = r"\.nii(?:\.gz)?"

# Layout -> column -> patterns of a path below the folder; the first pattern that matches is used.
# Each defines the group `patient`.
#
# BraTS 2017 to 2021 (_t1, _t1ce, _t2, _flair, _seg) and from 2023 (-t1n, -t1c, -t2w, -t2f, -seg);
# BraTS-TCGA-GBM and -LGG (Bakas et al., Scientific Data 4, 2017, TCIA); UCSF-PDGM (Calabrese et
# al., Radiology: Artificial Intelligence 4, 2022, TCIA); BIDS 1.10 (Gorgolewski et al., Scientific
# Data 3, 2016), whose entity `ce` means a contrast agent.
_BRATS = r"(?:.*/)?(?P<patient>[^/]+)/(?:(?P=patient)[_-])?(?:{})" + NIFTI
_TCGA = r"(?:.*/)?(?P<patient>TCGA-[^/]+)/(?P=patient)_[\d.]+_+{}" + NIFTI
_UCSF = r"(?:.*/)?(?P<patient>UCSF-PDGM-[^/]+)_nifti/(?P=patient)_(?:{})" + NIFTI
_BIDS = r"(?:.*/)?(?P<patient>sub-[^/_]+)/(?:ses-[^/]+/)?anat/(?P=patient)_{}" + NIFTI
_NO_CONTRAST = r"(?!(?:[^/]*_)?ce-)(?:[^/]+_)?{}"
LAYOUTS = {
    "brats": {
        "T1": [_BRATS.format("t1n?")],
        "T1CE": [_BRATS.format("t1ce?")],
        "T2": [_BRATS.format("t2w?")],
        "FLAIR": [_BRATS.format("flair|t2f")],
        "mask": [_BRATS.format("seg")],
    },
    "tcga": {
        "T1": [_TCGA.format("t1")],
        "T1CE": [_TCGA.format("t1Gd")],
        "T2": [_TCGA.format("t2")],
        "FLAIR": [_TCGA.format("flair")],
        "mask": [_TCGA.format("GlistrBoost_ManuallyCorrected"), _TCGA.format("GlistrBoost")],
    },
    "ucsf-pdgm": {
        "T1": [_UCSF.format("T1")],
        "T1CE": [_UCSF.format("T1c|T1gad")],
        "T2": [_UCSF.format("T2")],
        "FLAIR": [_UCSF.format("FLAIR|T2FLAIR")],
        "mask": [_UCSF.format("tumor_segmentation")],
    },
    "bids": {
        "T1": [_BIDS.format(_NO_CONTRAST.format("T1w"))],
        "T1CE": [_BIDS.format(r"(?:[^/]+_)?ce-[^/]+_T1w")],
        "T2": [_BIDS.format(_NO_CONTRAST.format("T2w"))],
        "FLAIR": [_BIDS.format(_NO_CONTRAST.format("FLAIR"))],
        "mask": [_BIDS.format(r"[^/]*(?:tumou?r|lesion)[^/]*_(?:mask|dseg|roi)")],
    },
}


def find_cases(folder: Path, layout: str = "auto") -> pd.DataFrame:
    """Find every patient's images and mask below a folder.

    The layout "auto" is the one that finds the most images. Returns absolute paths in those of the
    columns T1, T1CE, T2, FLAIR and mask that occur, None where a patient lacks one; the index,
    ``patient``, is sorted. Raises a CohortError if nothing is found, or if several files match the
    same image of a patient.
    """
    paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.name.lower().endswith((".nii", ".nii.gz"))
    )
    wanted = LAYOUTS if layout == "auto" else {layout: LAYOUTS[layout]}
    found = {name: _claims(paths, patterns) for name, patterns in wanted.items()}
    name = max(found, key=lambda name: len(found[name]))
    if not found[name]:
        seen = (
            f"none of its {len(paths)} NIfTI files is named like that" if paths else "no NIfTI file"
        )
        raise CohortError(
            [
                f"{folder}: no layout of {listed(wanted)}: {seen}; write a table of patients and "
                "paths instead"
            ]
        )
    repeated = {claim: files for claim, files in found[name].items() if len(files) > 1}
    if repeated:
        raise CohortError(
            f"patient {patient!r}, column {column!r}: {len(files)} files match, "
            f"{listed(files)}; keep one, or write a table of patients and paths"
            for (patient, column), files in repeated.items()
        )
    cells = {claim: str(folder.absolute() / files[0]) for claim, files in found[name].items()}
    table = pd.Series(cells).unstack().astype(object)
    columns = [column for column in LAYOUTS[name] if column in table]
    return table[columns].where(table.notna(), None).rename_axis("patient").sort_index()


def _claims(paths, patterns) -> dict[tuple[str, str], list[str]]:
    """Return the files of every (patient, column), using the first pattern that finds any."""
    claims = {}
    for column, alternatives in patterns.items():
        for pattern in alternatives:
            files = defaultdict(list)
            for path in paths:
                if match := re.fullmatch(pattern, path):
                    files[match["patient"], column].append(path)
            claims = dict(files) | claims
    return claims


def match_patients(cases: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Join the data of `patients` to the images of `cases`, from `find_cases`.

    The ids may differ from those of the folders in leading zeros: UCSF-PDGM-004 is UCSF-PDGM-0004.
    Returns the rows in the order of `patients`, with the folders' ids. Raises a CohortError if a
    patient has no images, or two rows or two folders have the same id.
    """
    folders = pd.Series(cases.index, index=cases.index.map(_without_zeros))
    keys = patients.index.map(_without_zeros)
    problems = [
        f"patient {patient!r} has no images; the folder has those of {listed(cases.index, 5)}"
        for patient, key in zip(patients.index, keys, strict=True)
        if key not in folders.index
    ]
    problems += [
        f"patient {patient!r} differs from another id in leading zeros only"
        for patient in [*patients.index[keys.duplicated()], *folders[folders.index.duplicated()]]
    ]
    if problems:
        raise CohortError(problems)
    ids = folders[keys].to_numpy()
    return cases.loc[ids].join(patients.set_axis(ids))


def _without_zeros(patient: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", patient)
