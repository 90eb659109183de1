"""A cohort of synthetic glioma patients with known truth, written to disk."""

import json
from numbers import Integral, Real
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklidh.datasets._cohorts import load_cohort
from sklidh.datasets._patient import (
    CONTRAST,
    Grid,
    draw_anatomy,
    draw_image,
    draw_motion,
    draw_traits,
)

REFERENCE = "T2"

CONVENTION = (
    "Each 4x4 matrix maps a point of the reference image (T2, and the mask drawn on it) to the "
    "same anatomy in the named image: [x, y, z, 1] in mm, LPS frame (DICOM, ITK). It is what a "
    "registration with the reference as its fixed image has to find."
)


def is_mutant(number):
    """Return a patient's IDH status: two of every five are mutant, close to the paper's 40 %."""
    return number % 5 in (1, 3)


TRAITS = (-1, -1, 1)
SUBTYPES = {
    1: ("IDH mutant 1p/19q intact", TRAITS),
    3: ("IDH mutant 1p/19q codeleted", (1, -1, -1)),
}
"""WHO 2021 classes of the mutants by their number modulo 5, and the signs of their traits:
heterogeneity, enhancement, and the mismatch of T2 and FLAIR, which codeleted tumours lack."""


def draw_site(rng, number):
    """Return how one site's scanner differs from the first site's scanner.

    ``gain`` is the brightness factor per modality, ``noise`` the factor of the noise's standard
    deviation, ``thickness`` that of the slice distance.
    """
    if number == 0:
        return {"gain": dict.fromkeys(CONTRAST, 1.0), "noise": 1.0, "thickness": 1.0}
    gain = np.exp(rng.normal(0, 0.4, len(CONTRAST)))
    return {
        "gain": dict(zip(CONTRAST, gain, strict=True)),
        "noise": rng.uniform(0.7, 1.6),
        "thickness": rng.uniform(1.1, 1.6),
    }


def draw_patient(rng, site, *, shift, direction=TRAITS, size, spacing, misalignment):
    """Return one patient's images and mask, true transforms, age in years, and grid.

    The random draws do not depend on `shift`, so with an effect of 0 only the label distinguishes
    mutants from wild types. `spacing` is in mm, `misalignment` in mm and degrees; transforms, of
    shape (4, 4), are those of all modalities except the reference.
    """
    slices = round(size / site["thickness"])
    grid = Grid((size, size, slices), spacing * np.array([1, 1, site["thickness"]]))
    age = np.clip(rng.normal(55 - 12 * shift, 12), 18, 85)
    traits = draw_traits(rng, shift, direction)
    anatomy = draw_anatomy(rng, grid)
    motions = {name: draw_motion(rng, misalignment) for name in CONTRAST if name != REFERENCE}
    volumes = {
        name: draw_image(
            rng,
            name,
            anatomy,
            traits,
            grid,
            motion=motions.get(name, np.eye(4)),
            gain=site["gain"][name],
            noise=site["noise"],
        )
        for name in CONTRAST
    }
    volumes["mask"] = anatomy.tumour.astype(np.uint8)
    return volumes, motions, round(age, 1), grid


def write_patient(folder, volumes, motions, grid):
    """Write a patient's volumes as compressed NIfTI, and the true transforms beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*grid.spacing, 1.0])
    affine[:3, 3] = grid.corner
    # The grid is in LPS, a NIfTI file's affine in RAS.
    affine = np.diag([-1, -1, 1, 1]) @ affine
    for name, volume in volumes.items():
        image = nibabel.Nifti1Image(volume, affine)
        image.header.set_xyzt_units("mm")
        image.to_filename(folder / f"{name}.nii.gz")
    matrices = {name: motion.tolist() for name, motion in motions.items()}
    record = {"convention": CONVENTION, "reference": REFERENCE, "matrices": matrices}
    (folder / "transforms.json").write_text(json.dumps(record, indent=1))


@validate_params(
    {
        "n_patients": [Interval(Integral, 2, None, closed="left")],
        "size": [Interval(Integral, 16, None, closed="left")],
        "spacing": [Interval(Real, 0, None, closed="neither")],
        "target": [StrOptions({"idh", "subtype"})],
        "effect": [Interval(Real, 0, None, closed="left")],
        "misalignment": ["array-like"],
        "sites": [Interval(Integral, 1, None, closed="left")],
        "missing": [Interval(Real, 0, 1, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_glioma_phantoms(
    folder,
    n_patients=60,
    *,
    size=64,
    spacing=1.0,
    target="idh",
    effect=1.0,
    misalignment=(3.0, 5.0),
    sites=1,
    missing=0.0,
    random_state=0,
) -> tuple[pd.DataFrame, pd.Series]:
    """Write a cohort of synthetic glioma patients and load it.

    Every patient has a skull-stripped brain with folds, ventricles and a tumour, imaged in T1,
    T1CE, T2 and FLAIR and stored as 16-bit NIfTI files. Size, position and shape of the tumour,
    brightness, noise and shading vary between patients. The mutants' tumours differ in three traits
    known from radiology: they are less heterogeneous, their rim enhances less in T1CE, and their
    core is dark in FLAIR where it is bright in T2. The classes overlap: no single trait separates
    them.

    Parameters
    ----------
    folder : str or path
        Output folder: ``cases.csv``, and per patient a folder with ``T1.nii.gz``,
        ``T1CE.nii.gz``, ``T2.nii.gz``, ``FLAIR.nii.gz``, ``mask.nii.gz`` and
        ``transforms.json``.
    n_patients : int, default=60
        Two of every five are mutant. Patient i does not depend on `n_patients`.
    size : int, default=64
        Voxels along each edge of an image.
    spacing : float, default=1.0
        Distance between voxels, in mm. The brain always fills the field of view.
    target : {"idh", "subtype"}, default="idh"
        What is predicted: the IDH status, or the classes of WHO 2021: "IDH wild type", "IDH mutant
        1p/19q intact" and "IDH mutant 1p/19q codeleted". Half of the mutants are codeleted; their
        tumours are more heterogeneous than the wild types', enhance less, and lack the mismatch of
        T2 and FLAIR.
    effect : float, default=1.0
        Size of the difference between the classes; 0 makes them indistinguishable.
    misalignment : tuple of (float, float), default=(3.0, 5.0)
        Maximum displacement of T1, T1CE and FLAIR relative to T2: a translation in mm, and a
        rotation in degrees about an axis through the centre. The true transforms and their
        convention are in ``transforms.json``.
    sites : int, default=1
        Number of scanners, each with its own brightness, noise and slice thickness; independent of
        the label.
    missing : float, default=0.0
        Probability that a modality other than T2 was not acquired, so that its cell is empty.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    X : DataFrame of shape (n_patients, 7)
        Paths of T1, T1CE, T2, FLAIR and mask; age (years) and site.
    y : Series of shape (n_patients,)
        IDH status, 1 = mutant; with ``target="subtype"`` the words, as categories.

    See Also
    --------
    load_cohort : Load the table again.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklidh.datasets import make_glioma_phantoms
    >>> with TemporaryDirectory() as folder:
    ...     X, y = make_glioma_phantoms(folder, 5, size=16)
    >>> X.shape, y.sum()
    ((5, 7), np.int64(2))
    """
    if len(misalignment) != 2 or min(misalignment) < 0:
        raise ValueError(
            f"misalignment={misalignment!r}: a translation in mm and a rotation in degrees are "
            "accepted, both 0 or more"
        )
    folder = Path(folder)
    seed = check_random_state(random_state).randint(2**31)
    scanners = [draw_site(np.random.default_rng([seed, 0, k]), k) for k in range(sites)]
    rows = []
    for number in range(n_patients):
        patient = f"phantom-{number:03d}"
        rng = np.random.default_rng([seed, 1, number])
        label, direction = int(is_mutant(number)), TRAITS
        if target == "subtype":
            label, direction = SUBTYPES.get(number % 5, ("IDH wild type", TRAITS))
        site, acquired = int(sites * rng.random()), rng.random(len(CONTRAST)) >= missing
        volumes, motions, age, grid = draw_patient(
            rng,
            scanners[site],
            shift=effect * is_mutant(number),
            direction=direction,
            size=size,
            spacing=spacing,
            misalignment=misalignment,
        )
        for name, present in zip(CONTRAST, acquired, strict=True):
            if name != REFERENCE and not present:
                del volumes[name], motions[name]
        write_patient(folder / patient, volumes, motions, grid)
        row = {"patient": patient} | dict.fromkeys((*CONTRAST, "mask"), "")
        row |= {name: f"{patient}/{name}.nii.gz" for name in volumes}
        rows.append(row | {target: label, "age": age, "site": f"site{site + 1}"})
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return load_cohort(folder / "cases.csv", target=target, missing="nan" if missing else "raise")
