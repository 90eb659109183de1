"""What a cohort's size allows to believe."""

import numpy as np

from sklidh.evaluation._checks import check_truth

EVENTS_PER_VARIABLE = 10
EVENTS_TO_VALIDATE = 100
RARE = 0.3


def sample_size_notes(y_true, *, n_candidates: int, n_selected: float | None = None) -> list[str]:
    """Say in words where a cohort is too small or too lopsided for what is asked of it.

    Parameters
    ----------
    y_true : array-like of bool, 0/1 or words, shape (n_patients,)
    n_candidates : int
        Columns from which features are selected.
    n_selected : float, default=None
        Columns that reach the classifier, on average.

    Returns
    -------
    list of str
        The classes' sizes first; then events per variable, where there are fewer than 10 patients
        of the smaller class for each column; fewer than 100 patients in a class to measure on; and
        what calling everybody the same would score, where the smaller class is below 30 %.

    References
    ----------
    P. Peduzzi et al., Journal of Clinical Epidemiology 49(12), 1996: events per variable. R. D.
    Riley et al., BMJ 368:m441, 2020: why the rule is rough. G. S. Collins et al., Statistics in
    Medicine 35(2), 2016: 100 events and 100 non-events to validate.

    Examples
    --------
    >>> from sklidh.evaluation import sample_size_notes
    >>> sample_size_notes([0] * 70 + [1] * 38, n_candidates=3)[:1]
    ['108 patients: 70 wild type, 38 mutant (35 %).']
    """
    y_true = check_truth(y_true)
    n, mutants = len(y_true), int(y_true.sum())
    smaller = min(mutants, n - mutants)
    notes = [f"{n} patients: {n - mutants} wild type, {mutants} mutant ({mutants / n:.0%})."]
    notes[0] = notes[0].replace("%)", " %)")
    if smaller / n_candidates < EVENTS_PER_VARIABLE:
        notes.append(
            f"Features are selected from {n_candidates} columns, and the smaller class has "
            f"{smaller} patients ({_ratio(smaller, n_candidates)}): figures hold only where "
            "the selection is part of every training, as in a pipeline."
        )
    if n_selected and smaller / n_selected < EVENTS_PER_VARIABLE:
        notes.append(
            f"About {n_selected:.0f} columns reach the classifier, for {smaller} patients of the "
            f"smaller class ({_ratio(smaller, n_selected)}); the usual rule of thumb is "
            f"{EVENTS_PER_VARIABLE} patients per column."
        )
    if smaller < EVENTS_TO_VALIDATE:
        notes.append(
            f"The smaller class has {smaller} patients; about {EVENTS_TO_VALIDATE} of each class "
            "are needed before the intervals are narrow."
        )
    if smaller / n < RARE:
        notes.append(
            f"The classes are unbalanced: calling everybody "
            f"{'wild type' if mutants == smaller else 'mutant'} has an accuracy of "
            f"{np.round(1 - smaller / n, 2)}. Read balanced accuracy and PR-AUC."
        )
    return notes


def _ratio(patients, columns) -> str:
    """Say how many there are of the one for each of the other, as a number above 1."""
    few, many = sorted([("patient", patients), ("column", columns)], key=lambda pair: pair[1])
    each = many[1] / few[1]
    return f"{each:.{0 if each >= 10 else 1}f} {many[0]}s per {few[0]}"
