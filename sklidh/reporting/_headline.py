"""The first screen of a report: how good the model is, at a glance."""

from dataclasses import dataclass

import numpy as np

from sklidh.evaluation import Comparison
from sklidh.reporting._intervals import p_value
from sklidh.reporting._run import Run

ENOUGH = 100
"""Test patients needed per class for narrow intervals (Collins et al. 2016)."""

NO_BASELINE = (
    "None was evaluated: the table has neither ages nor masks, or lacks the training patients. "
    "Compare with a simple model before relying on this one."
)


@dataclass(frozen=True)
class Tile:
    """A box of the first screen: heading, answer, and a line of detail."""

    heading: str
    answer: str
    detail: str
    link: str
    is_good: bool


@dataclass(frozen=True)
class Headline:
    """The model, its AUC with the interval, and a summary."""

    model: str
    figure: str
    summary: str
    tiles: list[Tile]


def headline_of(run: Run) -> Headline:
    """Compare a run's main model with chance, simple baselines and the other models."""
    name, shown = run.shown
    auc, (low, high) = shown.metrics["AUC"], shown.auc_interval
    baseline, best, enough = _baseline(run), _best(run), _enough(run)
    chance = "is not shown to rank patients better than chance"
    if low > 0.5:
        chance = "ranks patients better than chance"
    elif high < 0.5:
        chance = "ranks patients worse than chance"
    beaten = ""
    if run.yardsticks:
        simple = _highest_auc(run.yardsticks)
        simple = simple[:1].lower() + simple[1:]
        beaten = f" and better than {simple}"
        if not baseline.is_good:
            beaten = f", and is not shown to be better than {simple}"
    summary = f"{name} {chance}{beaten}."
    if best is not None and not best.is_good:
        summary += f" {_better_model(run)}"
    if not enough.is_good:
        summary += f" {len(shown.repeats[0])} test patients are too few for a precise figure."
    tiles = [tile for tile in (baseline, best, _accuracy(run), enough) if tile is not None]
    return Headline(name, f"AUC {auc:.2f} [{low:.2f}, {high:.2f}]", summary, tiles)


def _highest_auc(evaluations) -> str:
    return max(evaluations, key=lambda name: evaluations[name].metrics["AUC"])


def _difference(row, kind: str) -> str:
    """Describe a row of tests: how much higher the main model's AUC is, with p."""
    text = f"Difference {-row['difference']:+.2f}"
    if not np.isnan(row["low"]):
        text += f" [{-row['high']:+.2f}, {-row['low']:+.2f}]"
    p = f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{p_value(row[kind])}"
    return f"{text}, {p}".replace("-", "\N{MINUS SIGN}").replace("=\N{NO-BREAK SPACE}<", "<")


def _baseline(run: Run) -> Tile:
    heading, (_, shown) = "Best simple baseline", run.shown
    if not run.yardsticks:
        return Tile(heading, "–", NO_BASELINE, "results", False)
    best = _highest_auc(run.yardsticks)
    test = Comparison({best: run.yardsticks[best], "shown": shown}).tests("shown").loc[best]
    return Tile(
        heading,
        f"{best}: {run.yardsticks[best].metrics['AUC']:.2f}",
        _difference(test, "p"),
        "results",
        bool(test["difference"] < 0 and test["p"] < 0.05),
    )


def _best(run: Run) -> Tile | None:
    name, shown = run.shown
    others = {key: each for key, each in run.comparison.evaluations.items() if key != name}
    if not others:
        return None
    best = _highest_auc(others)
    auc, test = others[best].metrics["AUC"], run.comparison.tests(name).loc[best]
    return Tile(
        "Best of the other models",
        f"{best}: {auc:.2f}",
        f"{_difference(test, 'p Holm')} (Holm). Being the best of several is partly luck.",
        "results",
        bool(auc <= shown.metrics["AUC"]),
    )


def _better_model(run: Run) -> str:
    """State that another model has the highest AUC, and whether this may be chance."""
    name, _ = run.shown
    best = _highest_auc(run.comparison.evaluations)
    auc = run.comparison.evaluations[best].metrics["AUC"]
    if run.comparison.tests(name).loc[best, "p Holm"] < 0.05:
        return f"It is not the best model of this run: the AUC of {best} is {auc:.2f}."
    return f"{best} has a higher AUC in this run, {auc:.2f}, but the difference may be chance."


def _accuracy(run: Run) -> Tile:
    _, shown = run.shown
    classes = shown.target.classes
    shares = [
        np.bincount(part["true"], minlength=len(classes)) / len(part) for part in shown.repeats
    ]
    share = np.mean(shares, axis=0)
    larger, status = share.max(), classes[share.argmax()]
    low, high = shown.intervals.loc["Accuracy"]
    return Tile(
        "Accuracy",
        f"{shown.metrics['Accuracy']:.2f} [{low:.2f}, {high:.2f}]",
        f"Predicting {status} for every patient: {larger:.2f}",
        "predictions",
        bool(low > larger),
    )


def _enough(run: Run) -> Tile:
    shown = run.shown[1]
    true, n_classes = shown.repeats[0]["true"], len(shown.target.classes)
    is_enough = bool(np.bincount(true, minlength=n_classes).min() >= ENOUGH)
    counts = " and ".join(shown.target.count(true).rsplit(", ", 1))
    return Tile(
        "Enough test patients?",
        "Yes" if is_enough else "No",
        f"{counts} tested; about {ENOUGH} of each are needed for narrow intervals",
        "notes",
        is_enough,
    )
