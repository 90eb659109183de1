"""What is predicted: its classes in order, and their words."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.utils._listing import listed
from sklidh.utils._positive_class import (
    ANSWERS,
    MUTANT,
    MUTANT_NAMES,
    VARIANT,
    WILD,
    WILD_NAMES,
    as_series,
    binary_target,
    code_of,
    has_ordered_classes,
    is_missing_status,
    missing_statuses,
    word_of,
)
from sklidh.utils._validation import CohortError, Problem, category_text

IDH_STATUS = frozenset("idh idh1 idh2 status mutation mutated mutant mut gene".split())
"""Words of a heading that asks for the IDH status and nothing else."""


@dataclass(frozen=True)
class Target:
    """What is predicted: its name, and its classes in the order of their codes 0, 1, ...

    Two classes are the case in which the second is the positive class: models rank by its
    probability, and thresholds, sensitivity and precision are about it. With more, every class is
    evaluated against all others.

    Parameters
    ----------
    name : str, default="IDH"
        Such as "IDH", "MGMT" or "grade"; the heading of its column.
    classes : tuple of str, default=("wild type", "mutant")
        The words for people.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklidh.utils import Target
    >>> y = pd.Series(["unmethylated", "methylated", "methylated"], name="MGMT")
    >>> target, codes = Target.read(y, positive="methylated")
    >>> target.classes, target.full[1], codes.tolist()
    (('unmethylated', 'methylated'), 'MGMT methylated', [0, 1, 1])
    >>> target, codes = Target.read(["IDHwt", "IDHmut-codel", "IDHmut-non-codel", "IDHwt"])
    >>> target.classes, codes.tolist()
    (('IDHmut-codel', 'IDHmut-non-codel', 'IDHwt'), [2, 0, 1, 2])
    """

    name: str = "IDH"
    classes: tuple[str, ...] = ("wild type", "mutant")

    @classmethod
    def read(cls, y, *, wildtype=None, positive=None):
        """Find the classes of a target, and code them.

        A Series of ordered categories keeps their order and words; those without a patient are left
        out. Values that `binary_target` understands, or that an option decides, are two classes.
        Three or more other values are several classes, in alphabetical or numerical order; not
        where the heading asks for the IDH status alone, or some values are plainly mutant and
        others wild type, because a third word is a mistake there.

        Parameters
        ----------
        y : array-like of shape (n_patients,)
        wildtype, positive : object, default=None
            As `wildtype` and `pos_label` of `binary_target`.

        Returns
        -------
        target : Target
        codes : Series or ndarray of int, shape (n_patients,)
            A Series if y is one.

        Raises
        ------
        CohortError
            As `binary_target`.
        """
        name = getattr(y, "name", None)
        given = wildtype is not None or positive is not None
        if has_ordered_classes(y) and not given:
            there = [each for each in y.cat.categories if (y == each).any()]
            classes = there if len(there) > 1 else y.cat.categories
            target = cls(_heading(name), tuple(map(category_text, classes)))
            return target, target.codes(y)
        values = as_series(y)
        values = values[~values.map(is_missing_status).astype(bool)]
        words = values.map(word_of)
        if not given and not _are_real(values) and _are_several(name, set(words)):
            spelled = values.map(category_text).groupby(words).agg(lambda each: each.mode()[0])
            target = cls("class" if name is None else str(name), tuple(sorted(spelled, key=_order)))
            return target, target.codes(y)
        codes = binary_target(y, wildtype=wildtype, pos_label=positive)
        return cls(_heading(name), _two_words(as_series(y), codes, name, positive)), codes

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, of which the second is the positive one."""
        return len(self.classes) == 2

    @property
    def full(self) -> tuple[str, ...]:
        """The classes in words that stand alone: "IDH mutant" for mutant."""
        if not self.is_binary:
            return self.classes
        return tuple(f"{self.name} {word}".strip() for word in self.classes)

    @property
    def event(self) -> str:
        """What a probability is of, if there are two classes: "a mutation", "MGMT methylated"."""
        return "a mutation" if self == IDH else self.full[-1]

    @property
    def evaluated(self) -> dict[str, int]:
        """The classes that are evaluated, by their code: of two only the positive one."""
        codes = {word: code for code, word in enumerate(self.classes)}
        return {self.classes[1]: 1} if self.is_binary else codes

    def against_rest(self, code: int) -> "Target":
        """Return the target of two classes that asks for one class; of two, the target itself.

        Parameters
        ----------
        code : int

        Returns
        -------
        Target
        """
        if self.is_binary:
            return self
        return Target("", ("other", self.classes[code]))

    def codes(self, y):
        """Return the classes of other patients as codes.

        Parameters
        ----------
        y : array-like of shape (n_patients,)

        Returns
        -------
        Series or ndarray of int, shape (n_patients,)
            A Series if y is one.

        Raises
        ------
        CohortError
            A class is missing, or is not one of the target's.
        """
        values = as_series(y)
        code_of_word = {word_of(word): code for code, word in enumerate(self.classes)}
        if self.is_binary and not {*map(word_of, values)} <= code_of_word.keys():
            return binary_target(y)
        missing = values.map(is_missing_status).astype(bool)
        codes = values.map(word_of).map(code_of_word)
        problems = missing_statuses(values[missing])
        problems += [
            Problem.of(
                patient, f"{value!r} is not among the classes {listed(self.classes)}", values.name
            )
            for patient, value in values[codes.isna() & ~missing].items()
        ]
        if problems:
            raise CohortError(problems)
        codes = codes.astype(int)
        return codes if isinstance(y, pd.Series) else codes.to_numpy()

    def columns(self, classes) -> np.ndarray:
        """Return the columns of ``predict_proba`` in the order of the target's classes.

        Parameters
        ----------
        classes : array-like of shape (n_classes,)
            The fitted classifier's ``classes_``: codes, or the target's words.

        Returns
        -------
        ndarray of int, shape (n_classes,)

        Raises
        ------
        CohortError
            The model predicts other classes.
        """
        codes = every = np.arange(len(self.classes))
        if not np.array_equal(classes, every):
            codes = np.asarray(self.codes(np.asarray(classes)))
        if not np.array_equal(np.sort(codes), every):
            raise CohortError(
                [f"the model must predict {listed(self.classes)}; its classes are {classes}"]
            )
        return np.argsort(codes)

    def as_words(self, codes: pd.Series) -> pd.Series:
        """Return codes as ordered categories, from which `read` returns this target.

        Parameters
        ----------
        codes : Series of int, shape (n_patients,)

        Returns
        -------
        Series of category, shape (n_patients,)
        """
        words = pd.Categorical.from_codes(np.asarray(codes), list(self.classes), ordered=True)
        return pd.Series(words, codes.index, name=codes.name)

    def count(self, codes) -> str:
        """Return how many patients each class has: "38 mutant, 70 wild type".

        Parameters
        ----------
        codes : array-like of int, shape (n_patients,)

        Returns
        -------
        str
            The positive class first.
        """
        counts = np.bincount(np.asarray(codes, int), minlength=len(self.classes))
        order = slice(None, None, -1 if self.is_binary else 1)
        pairs = list(zip(counts, self.classes, strict=True))[order]
        named = [(n, f"of class {word}" if word.isdigit() else word) for n, word in pairs]
        return ", ".join(f"{n} {word}" for n, word in named)


IDH = Target()
"""The IDH status, which is predicted unless y says otherwise."""


def _heading(name) -> str:
    """Return the name of a target; without a heading it is the IDH status."""
    return "IDH" if _asks_for_idh(name) else str(name)


def _order(word: str) -> tuple:
    """Return what words are sorted by: numbers by their size, before all others."""
    return (0, float(word), "") if re.fullmatch(r"-?\d+", word) else (1, 0.0, word)


def _asks_for_idh(name) -> bool:
    words = {*re.split(r"[\W_]+", str(name).casefold())} - {""}
    return name is None or (words <= IDH_STATUS | WILD_NAMES and "idh" in str(name).casefold())


def _are_real(values: pd.Series) -> bool:
    """Return whether a value is a real number, so that none is a class."""
    numbers = pd.to_numeric(values, errors="coerce")
    return bool((numbers % 1 > 0).any())


def _are_several(name, words: set[str]) -> bool:
    """Return whether words of a target are three or more classes, and not two and a mistake."""
    of_mutation = {WILD if word in WILD_NAMES else MUTANT for word in words if _is_mutation(word)}
    unknown = any(code_of(word) == "unknown" for word in words)
    is_idh = name is not None and _asks_for_idh(name)
    return len(words) >= 3 and unknown and len(of_mutation) < 2 and not is_idh


def _is_mutation(word: str) -> bool:
    return word in WILD_NAMES | MUTANT_NAMES or VARIANT.fullmatch(word) is not None


def _two_words(values, codes, name, positive) -> tuple[str, str]:
    """Return the words of two classes: of a mutation, of the table, or negative and positive."""
    words = values.map(word_of)
    if (_asks_for_idh(name) and positive is None) or all(map(_is_mutation, words.unique())):
        return IDH.classes
    if set(words) <= ANSWERS.keys():
        return "negative", "positive"
    spelled = []
    for code in (WILD, MUTANT):
        each = values[np.asarray(codes) == code]
        spelled.append(category_text(each.mode()[0]) if words[each.index].nunique() == 1 else "")
    negative, second = spelled
    return negative or f"not {second}", second or f"not {negative}"
