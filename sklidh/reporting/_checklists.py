"""The CLEAR and TRIPOD+AI checklists, answered from the facts of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Formatter

import yaml


@dataclass(frozen=True)
class Answer:
    """One item of a guideline, with the answer of a run.

    ``text`` is empty if the run has no answer; ``rest`` states what the authors must add.
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
    """A guideline with one answer per item, in its own order."""

    name: str
    source: str
    answers: list[Answer]

    @property
    def counts(self) -> dict[str, int]:
        """Number of items by state."""
        states = [answer.state for answer in self.answers]
        return {state: states.count(state) for state in ("filled in", "in part", "open")}


def answer_checklists(facts: Mapping[str, str]) -> list[Checklist]:
    """Answer every item of CLEAR and TRIPOD+AI from the facts that `facts_of` returns."""
    text = files("sklidh.reporting").joinpath("checklists.yaml").read_text(encoding="utf-8")
    checklists = []
    for guideline in yaml.safe_load(text):
        answers = [
            Answer(each["number"], each["section"], each["item"], known, each.get("rest", ""))
            for each in guideline["items"]
            for known in [_first_answerable(each.get("answers", ()), facts)]
        ]
        checklists.append(Checklist(guideline["name"], guideline["source"], answers))
    return checklists


def _first_answerable(answers, facts) -> str:
    for answer in answers:
        needed = {name for _, name, _, _ in Formatter().parse(answer) if name}
        if needed <= facts.keys():
            return answer.format_map(facts)
    return ""
