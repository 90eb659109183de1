"""Read every image of a cohort before the work starts, and list all unusable ones."""

import pandas as pd
from joblib import delayed

from sklidh.images import ImageError, inspect_case, inspection_entry, same_images, voxel_digests
from sklidh.utils import Problem, spread_kept


def check_images(
    X: pd.DataFrame,
    modalities,
    *,
    label=None,
    reference=None,
    missing="raise",
    cache=None,
    n_jobs=None,
    verbose=0,
) -> tuple[list[Problem], list[str]]:
    """Read every image and mask of a cohort, and find all unusable ones.

    Otherwise one damaged file among hundreds would stop the work part way, and the next one would
    stop the next run.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
        As from `load_cohort`. Without a column ``mask`` only the images are checked.
    modalities : sequence of str
        The columns of images; columns that X lacks are skipped.
    label : int, str or sequence of these, default=None
        The tumour's labels, as in `sklidh.images.read_mask`.
    reference : str, default=None
        The modality on which the masks were drawn, if the others are not registered yet.
    missing : {"raise", "nan"}, default="raise"
        Whether an empty cell is a problem.
    cache : None, False, str or path, default=None
        Folder that records patients without problems, so that they are not read again: None is
        ``$SKLIDH_CACHE`` or else ``~/.cache/sklidh``; False caches nothing.
    n_jobs : int, default=None
        Patients read in parallel.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    problems : list of Problem
        One line each, beginning with the patient.
    doubts : list of str
        Images shared by two patients or two modalities.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklidh.datasets import check_images
    >>> X = pd.DataFrame({"T1": ["nowhere.nii"], "mask": [None]}, index=["P1"])
    >>> problems, doubts = check_images(X, ["T1"])
    >>> problems[0]
    "patient 'P1', column 'T1', nowhere.nii: cannot be read: No such file or directory"
    """
    there = [modality for modality in modalities if modality in X.columns]
    how = {"label": label, "reference": reference, "missing": missing}
    how["mask"] = "mask" if "mask" in X else None
    cases = [case for _, case in X.iterrows()]
    found = spread_kept(
        [delayed(_examined)(case, there, how) for case in cases],
        "checking the images",
        [inspection_entry(cache, case, [*there, "mask"], *how.values()) for case in cases],
        # Problems are re-checked each time: a file may have been corrected since.
        keeps=lambda result: not result[0],
        n_jobs=n_jobs,
        verbose=verbose,
    )
    digests = dict(zip(X.index, (each for _, each in found), strict=True))
    problems = [
        Problem(line, patient)
        for patient, (lines, _) in zip(X.index, found, strict=True)
        for line in lines
    ]
    return problems, same_images(digests)


def _examined(case: pd.Series, modalities, how: dict) -> tuple[list[str], dict]:
    """Return the problems of one patient's images, and digests of their voxels."""
    found = inspect_case(case, modalities, **how)
    problems = [each for each in found.problems if isinstance(each, ImageError)]
    return [" ".join(str(each).split()) for each in problems], voxel_digests(found)
