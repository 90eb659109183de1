"""Which values of a target are mutations, and which is the wild type."""

import re

import pandas as pd
import typer

from sklidh.cli._output import console

WILD_WORDS = frozenset("wildtype wild wt negative neg no false unmutated nonmutant".split())
MUTANT_WORDS = frozenset("mutant mutated mutation mut positive pos yes true".split())
"""What tables write for the two, as `word_of` reads it."""


def mutations(X: pd.DataFrame, y: pd.Series, wildtype: str) -> pd.Series:
    """Return a target of two classes, and say which of its values are taken for the mutation.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_columns)
    y : Series of shape (n_patients,)
    wildtype : str
        The value of a wild type; empty: the target has two values, and the last is the mutation.

    Returns
    -------
    Series of shape (n_patients,)
        The target as it is, or 0 and 1 where `wildtype` was given.

    Raises
    ------
    CohortError
        The target has other than two values, words that sort the other way round, or one that is
        the wild type in another spelling.
    """
    from sklidh.evaluation import check_two_classes
    from sklidh.utils import CohortError, check_target

    check_target(y, X)
    classes = y if not wildtype else mutants_of(y, wildtype).astype(int)
    values = sorted(set(y.astype(str)))
    if not wildtype and len(values) > 2:
        raise CohortError(
            [
                f"the target {y.name} has {len(values)} values, {', '.join(values[:20])}; say by "
                "--wildtype which of them is the wild type: every other value then counts as "
                "mutant; drop the rows that are neither"
            ]
        )
    check_two_classes(X, classes)
    first, last = sorted(classes.unique())
    if not wildtype and (word_of(first) in MUTANT_WORDS or word_of(last) in WILD_WORDS):
        raise CohortError(
            [
                f"the target {y.name} has the values {first} and {last}; the one that sorts last, "
                f"{last}, would count as the mutation; say by --wildtype VALUE which of them is "
                "the wild type"
            ]
        )
    mutant, wild = (counted(y[classes == each]) for each in (last, first))
    n_mutant, n_wild = (int((classes == each).sum()) for each in (last, first))
    console.print(
        f"{y.name}: {n_mutant} mutant{'s' * (n_mutant > 1)} ({mutant}), "
        f"{n_wild} wild type{'s' * (n_wild > 1)} ({wild})",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return classes


def mutants_of(y: pd.Series, wildtype: str) -> pd.Series:
    """Tell who has another value than the wild type's.

    Parameters
    ----------
    y : Series of shape (n_patients,)
    wildtype : str
        As a number it may be written otherwise than in the table (0 for 0.0), and true and false
        in any case.

    Returns
    -------
    Series of bool of shape (n_patients,)

    Raises
    ------
    CohortError
        A value is the wild type in another spelling.
    """
    from sklidh.utils import CohortError

    texts = y.astype(str)
    mutant = texts.map(meaning_of) != meaning_of(wildtype)
    if mutant.all():
        raise typer.BadParameter(
            f"--wildtype {wildtype!r}: no patient; {y.name} is one of "
            f"{', '.join(sorted(set(texts))[:20])}"
        )
    doubtful = [
        value
        for value in sorted(set(texts[mutant]))
        if "".join(value.casefold().split()) == "".join(wildtype.casefold().split())
        or {word_of(value), word_of(wildtype)} <= WILD_WORDS
    ]
    if doubtful:
        raise CohortError(
            f"the target {y.name}: {value!r} of {(texts == value).sum()} patients would count as "
            f"mutant by --wildtype {wildtype!r}; write the wild type in one way in the table"
            for value in doubtful
        )
    return mutant


def meaning_of(text: str) -> float | str:
    """Return a number, true or false in the one way of writing it, and other text as it is."""
    try:
        return float(text)
    except ValueError:
        return text.casefold() if text.casefold() in {"true", "false"} else text


def word_of(value) -> str:
    """Return a value as small letters and digits, without the gene before it: wt of "IDH-WT"."""
    return re.sub(r"^idh[12]?", "", re.sub(r"[\s_-]", "", str(value).casefold()))


def counted(y: pd.Series) -> str:
    """Name a class's values, with their counts where there are several."""
    counts = y.astype(str).value_counts()
    if len(counts) == 1:
        return counts.index[0]
    return ", ".join(f"{value} {n}" for value, n in counts.items())
