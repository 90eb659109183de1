"""Group warnings that differ only in names or numbers into one line with a count."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

VARIES = re.compile(r"^[A-Z][A-Z\d]*: |'[^']*'|\"[^\"]*\"|\d+(?:\.\d+)?(?:e[+-]?\d+)?")
"""The parts in which warnings of one kind differ: leading sequence, quoted names, numbers."""
MORE = re.compile(r" \((\d+) more like this\)$")


@dataclass
class Kind:
    """One kind of warning: its first text, the number of warnings, and all distinct texts."""

    text: str
    count: int = 0
    texts: list[str] = field(default_factory=list)


def group_warnings(warned: Iterable[tuple[str, int]], *, models: Iterable[str] = ()) -> list[Kind]:
    """Group warnings, given with their counts, that differ only in the parts that `VARIES` matches.

    A text that ends in "(3 more like this)" counts four times. `models` names the model that issued
    each warning. The most frequent kinds come first.
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
