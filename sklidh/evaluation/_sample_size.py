"""Notes on whether a cohort is large enough to support the results."""

import numpy as np

from sklidh.utils import Target

EVENTS_PER_VARIABLE = 10
EVENTS_TO_VALIDATE = 100
RARE = 0.3


def sample_size_notes(y_true, *, n_candidates: int, n_selected: float | None = None) -> list[str]:
    """List where a cohort is too small or too unbalanced for the analysis.

    Parameters
    ----------
    y_true : array-like of shape (n_patients,)
        The classes, as `Target.read` takes them.
    n_candidates : int
        Number of columns from which features are selected.
    n_selected : float, default=None
        Mean number of columns that reach the classifier.

    Returns
    -------
    list of str
        First the class sizes. Then, where they apply: events per variable, if there are fewer than
        10 patients of the smaller class per column; fewer than 100 patients in a class, too few for
        narrow intervals; and the accuracy of predicting one class for all patients, if the smaller
        class is below 30 % (of K classes, 60 % / K).

    References
    ----------
    P. Peduzzi et al., Journal of Clinical Epidemiology 49(12), 1996: events per variable. R. D.
    Riley et al., BMJ 368:m441, 2020: limits of that rule. G. S. Collins et al., Statistics in
    Medicine 35(2), 2016: 100 events and 100 non-events to validate.

    Examples
    --------
    >>> from sklidh.evaluation import sample_size_notes
    >>> sample_size_notes([0] * 70 + [1] * 38, n_candidates=3)[:1]
    ['108 patients: 70 wild type, 38 mutant (35 %).']
    """
    target, codes = Target.read(y_true)
    counts = np.bincount(codes, minlength=len(target.classes))
    n, smaller = len(codes), int(counts.min())
    if not smaller:
        raise ValueError(f"all {n} patients are of one class; both classes are needed")
    named = ", ".join(f"{k} {word}" for k, word in zip(counts, target.classes, strict=True))
    share = f" ({counts[1] / n:.0%})".replace("%", " %") if target.is_binary else ""
    which = "smaller" if target.is_binary else "smallest"
    notes = [f"{n} patients: {named}{share}."]
    if smaller / n_candidates < EVENTS_PER_VARIABLE:
        notes.append(
            f"Features are selected from {n_candidates} columns, and the {which} class has "
            f"{smaller} patients ({_ratio(smaller, n_candidates)}): results are valid only if "
            "selection is repeated in every training set, as in a pipeline."
        )
    if n_selected and smaller / n_selected < EVENTS_PER_VARIABLE:
        notes.append(
            f"About {n_selected:.0f} columns reach the classifier, for {smaller} patients of the "
            f"{which} class ({_ratio(smaller, n_selected)}); the usual rule of thumb is "
            f"{EVENTS_PER_VARIABLE} patients per column."
        )
    if smaller < EVENTS_TO_VALIDATE:
        notes.append(
            f"The {which} class has {smaller} patients; narrow intervals need about "
            f"{EVENTS_TO_VALIDATE} of each class."
        )
    if smaller / n < RARE * 2 / len(counts):
        notes.append(
            f"The classes are unbalanced: predicting "
            f"{target.classes[counts.argmax()]} for all patients has an accuracy "
            f"of {np.round(counts.max() / n, 2)}. Prefer balanced accuracy and PR-AUC."
        )
    return notes


def _ratio(patients, columns) -> str:
    """Return the ratio in words, as a number above 1: "2.5 columns per patient"."""
    few, many = sorted([("patient", patients), ("column", columns)], key=lambda pair: pair[1])
    each = many[1] / few[1]
    return f"{each:.{0 if each >= 10 else 1}f} {many[0]}s per {few[0]}"
