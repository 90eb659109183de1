"""Warnings by kind: many that differ in a name or a number are one line with a count."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

VARIES = re.compile(r"^[A-Z][A-Z\d]*: |'[^']*'|\"[^\"]*\"|\d+(?:\.\d+)?(?:e[+-]?\d+)?")
"""A sequence at the beginning, quoted names, numbers."""
MORE = re.compile(r" \((\d+) more like this\)$")


@dataclass
class Kind:
    """One kind of warning: the first of them, how many there were, and each different one."""

    text: str
    count: int = 0
    texts: list[str] = field(default_factory=list)


def by_kind(warned: Iterable[tuple[str, int]], *, models: Iterable[str] = ()) -> list[Kind]:
    """Group warnings, and their counts, that differ only in numbers, quoted names and the sequence.

    A text that ends in "(3 more like this)" counts three times more. `models` are the models that
    gave each warning. The most frequent kinds come first.
    """
    warned = list(warned)
    kinds: dict[str, Kind] = {}
    for (text, count), model in zip(warned, list(models) or [""] * len(warned), strict=True):
        more = MORE.search(text)
        text = MORE.sub("", text)
        kind = kinds.setdefault(VARIES.sub("…", text), Kind(text))
        kind.count += count + (int(more[1]) if more else 0)
        kind.texts.append(f"{model}: {text}" if model else text)
    return sorted(kinds.values(), key=lambda kind: -kind.count)
