"""CLEAR and TRIPOD+AI, answered as far as a run knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Formatter

import yaml


@dataclass(frozen=True)
class Answer:
    """One item of a guideline: what is asked, what the run knows, and the rest.

    ``text`` is empty if the run does not provide it; ``rest`` is what the authors must complete.
    """

    number: str
    section: str
    item: str
    text: str
    rest: str

    @property
    def state(self) -> str:
        """Whether the item is "filled in", filled in "in part", or "open"."""
        if not self.text:
            return "open"
        return "in part" if self.rest else "filled in"


@dataclass(frozen=True)
class Checklist:
    """A guideline, with one answer per item, in the guideline's order."""

    name: str
    source: str
    answers: list[Answer]

    @property
    def counts(self) -> dict[str, int]:
        """How many items are in each state."""
        states = [answer.state for answer in self.answers]
        return {state: states.count(state) for state in ("filled in", "in part", "open")}


def fill_in(facts: Mapping[str, str]) -> list[Checklist]:
    """Answer every item of CLEAR and of TRIPOD+AI with what `facts_of` knows of a run."""
    text = files("sklidh.reporting").joinpath("checklists.yaml").read_text(encoding="utf-8")
    return [
        Checklist(
            guideline["name"],
            guideline["source"],
            [
                Answer(
                    each["number"],
                    each["section"],
                    each["item"],
                    _first_known(each.get("answers", ()), facts),
                    each.get("rest", ""),
                )
                for each in guideline["items"]
            ],
        )
        for guideline in yaml.safe_load(text)
    ]


def _first_known(answers, facts) -> str:
    for answer in answers:
        needed = {name for _, name, _, _ in Formatter().parse(answer) if name}
        if needed <= facts.keys():
            return answer.format_map(facts)
    return ""
