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
    y_true : array-like of bool or 0/1, shape (n_patients,)
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
            f"{smaller / n_candidates:.2g} patients of the smaller class for each of the "
            f"{n_candidates} columns that selection chooses from: without nested validation any "
            "figure is too good."
        )
    if n_selected and smaller / n_selected < EVENTS_PER_VARIABLE:
        notes.append(
            f"{smaller / n_selected:.1f} for each of the {n_selected:.1f} columns that reach the "
            f"classifier; {EVENTS_PER_VARIABLE} is the usual rule of thumb."
        )
    if smaller < EVENTS_TO_VALIDATE:
        notes.append(
            f"A class has {smaller} patients; figures need about {EVENTS_TO_VALIDATE} of each "
            "class before their intervals are narrow."
        )
    if smaller / n < RARE:
        notes.append(
            f"The classes are unbalanced: calling everybody "
            f"{'wild type' if mutants == smaller else 'mutant'} has an accuracy of "
            f"{np.round(1 - smaller / n, 2)}. Read balanced accuracy and PR-AUC."
        )
    return notes
