"""The first screen of a report: whether the model is any good, in one glance."""

from dataclasses import dataclass

import numpy as np

from sklidh.evaluation import Comparison, Evaluation
from sklidh.reporting._intervals import number
from sklidh.reporting._run import Run

ENOUGH = 100
"""Patients of each class to test on before the intervals are narrow (Collins et al. 2016)."""

NO_BASELINE = (
    "The table has neither ages nor masks, or the training patients are not in it; compare with a "
    "simple model before believing this one."
)


@dataclass(frozen=True)
class Tile:
    """One question of the first screen: its heading, the answer, and a line of detail."""

    heading: str
    answer: str
    detail: str
    link: str
    is_good: bool


@dataclass(frozen=True)
class Headline:
    """What a reader must know first: the model, its AUC with the interval, and a verdict."""

    model: str
    figure: str
    verdict: str
    tiles: list[Tile]


def headline_of(run: Run) -> Headline:
    """Judge the model that a run shows: against chance, simple baselines and other models."""
    name, shown = run.shown
    auc, (low, high) = shown.metrics["AUC"], shown.auc_interval
    tiles = [_baseline(run), _accuracy(run), _enough(run)]
    if len(run.comparison.evaluations) > 1:
        tiles.insert(1, _best(run))
    chance = "is not shown to rank patients better than chance"
    if low > 0.5:
        chance = "ranks patients better than chance"
    elif high < 0.5:
        chance = "ranks patients worse than chance"
    baseline, *_, enough = tiles
    beaten = ""
    if run.yardsticks:
        simple = _best_of(run.yardsticks)
        simple = simple[:1].lower() + simple[1:]
        beaten = f" and better than {simple}"
        if not baseline.is_good:
            beaten = f", and is not shown to be better than {simple}"
    verdict = f"{name} {chance}{beaten}."
    if not enough.is_good:
        verdict += f" {len(shown.repeats[0])} test patients are too few for a firm figure."
    return Headline(name, f"AUC {auc:.2f} [{low:.2f}, {high:.2f}]", verdict, tiles)


def _best_of(evaluations) -> str:
    return max(evaluations, key=lambda name: evaluations[name].metrics["AUC"])


def _against(run: Run, evaluation: Evaluation) -> tuple[str, bool]:
    """State by how much the shown model's AUC is higher than another's, and whether it is."""
    _, shown = run.shown
    row = Comparison({"other": evaluation, "shown": shown}).tests("shown").iloc[0]
    text = f"Difference {-row['difference']:+.2f}"
    if not np.isnan(row["low"]):
        text += f" [{-row['high']:+.2f}, {-row['low']:+.2f}]"
    text = text.replace("-", "\N{MINUS SIGN}")
    is_better = bool(row["difference"] < 0 and row["p"] < 0.05)
    return f"{text}, p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{number(row['p'], '.2g')}", is_better


def _baseline(run: Run) -> Tile:
    heading = "Best simple baseline"
    if not run.yardsticks:
        return Tile(heading, "–", NO_BASELINE, "results", False)
    best = _best_of(run.yardsticks)
    text, is_better = _against(run, run.yardsticks[best])
    auc = run.yardsticks[best].metrics["AUC"]
    return Tile(heading, f"{best}: {auc:.2f}", text, "results", is_better)


def _best(run: Run) -> Tile:
    name, shown = run.shown
    others = {key: each for key, each in run.comparison.evaluations.items() if key != name}
    best = _best_of(others)
    auc = others[best].metrics["AUC"]
    text, _ = _against(run, others[best])
    return Tile(
        "Best of the other models",
        f"{best}: {auc:.2f}",
        f"{text}. The best of several is flattered by the choice.",
        "results",
        bool(auc <= shown.metrics["AUC"]),
    )


def _accuracy(run: Run) -> Tile:
    _, shown = run.shown
    mutants = [part["true"].mean() for part in shown.repeats]
    share = sum(mutants) / len(mutants)
    larger, status = max((1 - share, "wild type"), (share, "mutant"))
    low, high = shown.intervals.loc["Accuracy"]
    return Tile(
        "Accuracy",
        f"{shown.metrics['Accuracy']:.2f} [{low:.2f}, {high:.2f}]",
        f"Predicting {status} for everybody: {larger:.2f}",
        "predictions",
        bool(low > larger),
    )


def _enough(run: Run) -> Tile:
    first = run.shown[1].repeats[0]
    mutants = int(first["true"].sum())
    wildtypes = len(first) - mutants
    is_enough = min(mutants, wildtypes) >= ENOUGH
    return Tile(
        "Enough patients?",
        "Yes" if is_enough else "No",
        f"{mutants} mutant and {wildtypes} wild type tested; about {ENOUGH} of each are needed for "
        "narrow intervals",
        "notes",
        is_enough,
    )
