"""Interpretation of target values as IDH mutant or wild type."""

import re

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d

from sklidh.utils._listing import listed
from sklidh.utils._validation import CohortError, Problem

WILD_NAMES = frozenset("wildtype wild wt unmutated nonmutated notmutated nonmutant".split())
MUTANT_NAMES = frozenset("mutant mutated mutation mut".split())
WILD, MUTANT = 0, 1
ANSWERS = dict.fromkeys("0 no false negative neg".split(), WILD)
ANSWERS |= dict.fromkeys("1 yes true positive pos".split(), MUTANT)
"""Words that mean mutant or wild type only if the column asks for a mutation."""

MISSING = frozenset(
    "unknown unk na nan none null nd nos pending missing nottested notdone notavailable "
    "unavailable notspecified indeterminate equivocal".split()
)
VARIANT = re.compile(r"p?r(132|172)[a-z]")
"""The amino acid changes of IDH1 and IDH2, as in "IDH1 p.R132H"."""


def word_of(value) -> str:
    """Return a value in lower case, without spaces, punctuation and the gene's name."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = re.sub(r"[^a-z0-9?+-]", "", str(value).casefold().replace("(nos)", ""))
    if re.fullmatch(r"-?\d+", text):
        return str(int(text))
    return re.sub(r"^idh-?1?2?-?", "", text).replace("-", "")


def is_missing_status(value) -> bool:
    """Return whether a value means an unknown IDH status: empty, "?", "NA", "pending" ..."""
    return pd.isna(value) or not str(value).strip(" ?") or word_of(value) in MISSING


def binary_target(y, *, wildtype=None, pos_label=None) -> pd.Series | np.ndarray:
    """Return the IDH status as 1 (mutant) and 0 (wild type).

    Case, spaces and hyphens are ignored. Without an option, only known values are accepted: 0 and
    1, false and true, no and yes, negative and positive, "wildtype", "WT", "mutant", "mut",
    "IDH-mutant", "IDH1 p.R132H" and similar. Empty cells, "unknown", "?", "NA", "NOS", "pending"
    and "not tested" mean that the status is missing, which is an error.

    Parameters
    ----------
    y : array-like of shape (n_patients,)
        Numbers, booleans or words; the index of a Series identifies the patients in messages. Of a
        Series of two ordered categories the second is coded 1, whatever the words.
    wildtype : object, default=None
        Value that means wild type; all other values that are not missing are mutant.
    pos_label : object, default=None
        Value that means mutant; all other values that are not missing are wild type. If `wildtype`
        is also given, no third value is accepted.

    Returns
    -------
    Series or ndarray of int, shape (n_patients,)
        A Series with the index and name of y if y is a Series.

    Raises
    ------
    CohortError
        A status is missing; a value is neither known nor given by an option; an option gives a
        value that does not occur, or that contradicts the word; or the column asks for the wild
        type ("IDH_wildtype") and contains numbers or yes and no.

    Examples
    --------
    >>> from sklidh.datasets import binary_target
    >>> binary_target(["Mutant", "wild type", "IDH-mut", "WT"]).tolist()
    [1, 0, 1, 0]
    >>> binary_target(["codeleted", "intact", "codeleted"], pos_label="codeleted").tolist()
    [1, 0, 1]
    """
    column, name = as_series(y), getattr(y, "name", None)
    values, index = column.to_numpy(), column.index
    if has_ordered_classes(y) and len(y.cat.categories) == 2:
        # Its words were given a meaning before: the second is the positive class.
        problems = missing_statuses(column[y.isna()])
        if problems:
            raise CohortError(problems)
        return y.cat.codes.astype(int)
    codes = {value: code_of(value, wildtype, pos_label) for value in pd.unique(values)}
    each = column.map(codes)
    missing = each.eq("missing").to_numpy()
    problems = missing_statuses(column[missing])
    known = {value: code for value, code in codes.items() if code != "missing"}
    if known and (problem := _problem(known, wildtype, pos_label, name)):
        column = "" if name is None else f", column {name!r}"
        seen = pd.Series(values[~missing]).astype(str).value_counts()
        unknown = index[each.eq("unknown")]
        which = (
            f" (patient {listed(unknown, 5)})" if len(unknown) and isinstance(y, pd.Series) else ""
        )
        shown = ", ".join(f"{value!r} ({n})" for value, n in seen[:12].items())
        more = f" and {len(seen) - 12} more" if len(seen) > 12 else ""
        remedy = (
            "set the wild type with wildtype= of sklidh.datasets.binary_target or load_cohort "
            "(--wildtype on the command line); all other values are then mutant. For another "
            "target, name its positive class with positive= (--positive)"
        )
        if pos_label is not None and wildtype is None:
            remedy = (
                "name the positive class with pos_label= of sklidh.datasets.binary_target or "
                "positive= of load_cohort (--positive on the command line)"
            )
        problems.append(
            f"the target{column}: {problem}{which}; its values are {shown}{more}; {remedy}"
        )
    if problems:
        raise CohortError(problems)
    codes = each.astype(int)
    return codes.rename(name) if isinstance(y, pd.Series) else codes.to_numpy()


def as_series(y) -> pd.Series:
    """Return a target's values as objects, numbered where they have no index."""
    values = column_or_1d(y, dtype=object) if not isinstance(y, np.ndarray) else column_or_1d(y)
    index = y.index if isinstance(y, pd.Series) else None
    return pd.Series(values, index, dtype=object, name=getattr(y, "name", None))


def has_ordered_classes(y) -> bool:
    """Return whether a target is a Series of ordered categories, whose meaning is settled."""
    return isinstance(getattr(y, "dtype", None), pd.CategoricalDtype) and y.dtype.ordered


def missing_statuses(values: pd.Series) -> list[Problem]:
    """Return one problem per patient of values that mean an unknown status."""
    return [
        Problem.of(
            patient,
            f"the target is missing{'' if pd.isna(value) else f' ({value!r})'}; drop the row "
            "or fill it in",
            values.name,
        )
        for patient, value in values.items()
    ]


def mutant_index(classes) -> int:
    """Return the position of the mutant class among a fitted classifier's classes.

    Parameters
    ----------
    classes : array-like of shape (2,)
        The classifier's ``classes_``.

    Returns
    -------
    int
        Column of ``predict_proba`` for mutants.

    Raises
    ------
    CohortError
        The classes are not one mutant and one wild-type class that `binary_target` recognises.
    """
    codes = binary_target(np.asarray(classes))
    if sorted(codes) != [0, 1]:
        raise CohortError(
            [f"the model must predict mutant and wild type; its classes are {classes}"]
        )
    return int(codes.argmax())


def code_of(value, wildtype=None, pos_label=None):
    """Return 1, 0, "missing" or "unknown" for one value."""
    if not pd.isna(value):
        word = word_of(value)
        if wildtype is not None and word == word_of(wildtype):
            return WILD
        if pos_label is not None and word == word_of(pos_label):
            return MUTANT
    if is_missing_status(value):
        return "missing"
    if word in WILD_NAMES:
        return WILD
    if word in MUTANT_NAMES or VARIANT.fullmatch(word):
        return MUTANT
    if wildtype is None and pos_label is None:
        return ANSWERS.get(word, "unknown")
    if wildtype is not None and pos_label is not None:
        return "unknown"
    return MUTANT if pos_label is None else WILD


def _problem(codes, wildtype, pos_label, name) -> str:
    """Return why the values cannot be interpreted; empty if they can."""
    for option, label, opposite, code in (
        ("wildtype", wildtype, MUTANT_NAMES, WILD),
        ("pos_label", pos_label, WILD_NAMES, MUTANT),
    ):
        if label is not None and word_of(label) in opposite:
            return f"{option}={label!r} contradicts the meaning of the word"
        if label is not None and code not in codes.values():
            return f"no patient has {option}={label!r}"
    unknown = [str(value) for value, code in codes.items() if code == "unknown"]
    if unknown:
        return f"{', '.join(map(repr, unknown[:12]))} may be a mutant or a wild type"
    asks_for_wild = {"wildtype", "wild", "wt"} & set(re.split(r"[\W_\d]+", str(name).casefold()))
    generic = {word_of(value) for value in codes} <= ANSWERS.keys()
    if asks_for_wild and wildtype is None and pos_label is None and generic:
        return "its name asks for the wild type, not for the mutation"
    return ""
