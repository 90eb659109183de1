"""How often 95 % intervals of a cross-validation hold the truth, and its tests reject equal models.

    python benchmarks/intervals.py --cohorts 2000

The models are linear, on normally distributed columns, so that their true AUC and accuracy are
known exactly. Of 60 or 108 patients 40 % are mutant; 5-fold stratified cross-validation.
`docs/evaluation.rst` shows the tables.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import binomtest, norm
from scipy.stats import t as student

from sklidh.evaluation._delong import placements
from sklidh.evaluation._tests import corrected_resampled_ttest

FOLDS = 5
RATIO = 1 / (FOLDS - 1)
MUTANTS = 0.4


@dataclass(frozen=True)
class Scenario:
    """Columns, how far the first `informative` separate the classes, and how many are kept."""

    n_columns: int
    effect: float
    informative: int = 1
    selected: int | None = None


SCENARIOS = {
    "no signal": Scenario(10, 0.0),
    "no signal, 5 of 50 selected": Scenario(50, 0.0, selected=5),
    "weak": Scenario(10, 0.8),
    "strong": Scenario(20, 1.5),
    "strong, 5 of 50 selected": Scenario(50, 1.5, informative=4, selected=5),
    "very strong": Scenario(5, 2.2),
}


def draw(rng, n, scenario) -> tuple[np.ndarray, np.ndarray]:
    """Draw the columns and the classes of a cohort."""
    y = np.arange(n) < round(MUTANTS * n)
    X = rng.normal(size=(n, scenario.n_columns))
    X[:, : scenario.informative] += scenario.effect * y[:, None] / np.sqrt(scenario.informative)
    return X, y


def deal(rng, y) -> np.ndarray:
    """Return each patient's fold, both classes dealt evenly."""
    fold = np.empty(len(y), int)
    for members in (np.flatnonzero(y), np.flatnonzero(~y)):
        fold[rng.permutation(members)] = np.arange(len(members)) % FOLDS
    return fold


def fit(X, y, scenario) -> tuple[np.ndarray, float]:
    """Fit a regularised linear discriminant on the columns of the largest differences."""
    difference = X[y].mean(0) - X[~y].mean(0)
    kept = np.argsort(-np.abs(difference))[: scenario.selected]
    within = np.concatenate([X[c] - X[c].mean(0) for c in (y, ~y)])[:, kept]
    weights = np.zeros(X.shape[1])
    covariance = within.T @ within / (len(X) - 2) + 0.1 * np.eye(len(kept))
    weights[kept] = np.linalg.solve(covariance, difference[kept])
    score = X @ weights
    cut = (score[y].mean() + score[~y].mean()) / 2 + np.log((1 - MUTANTS) / MUTANTS)
    return weights, cut


def truth(weights, cut, scenario) -> tuple[float, float]:
    """Return a model's true AUC and accuracy."""
    size = np.linalg.norm(weights)
    shift = scenario.effect * weights[: scenario.informative].sum() / np.sqrt(scenario.informative)
    right = MUTANTS * norm.sf((cut - shift) / size) + (1 - MUTANTS) * norm.cdf(cut / size)
    return norm.cdf(shift / size / np.sqrt(2)), right


def cross_validated(X, y, fold, scenario) -> tuple[pd.DataFrame, float, float]:
    """Return predictions as an `Evaluation` has them, and the mean true AUC and accuracy."""
    score, called, true = np.empty(len(y)), np.empty(len(y), bool), []
    for k in range(FOLDS):
        train = fold != k
        weights, cut = fit(X[train], y[train], scenario)
        score[~train] = X[~train] @ weights - cut
        called[~train] = score[~train] > 0
        true.append(truth(weights, cut, scenario))
    n_trained = len(y) - np.bincount(fold)[fold]
    columns = {"repeat": 0, "fold": fold, "n_trained": n_trained, "true": y, "score": score}
    columns |= {"probability": expit(score), "threshold": 0.5, "called": called}
    return pd.DataFrame(columns), *np.mean(true, axis=0)


def by_fold(table) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the placements of each fold's patients within their fold."""
    y, score, fold = (table[name].to_numpy() for name in ("true", "score", "fold"))
    return [placements(y[fold == k], score[fold == k]) for k in range(FOLDS)]


def variance_of(placed) -> float:
    """Return DeLong's variance from placements of several folds."""
    return sum(v.var(ddof=1) / len(v) for v in map(np.concatenate, zip(*placed, strict=True)))


def on_logit(auc, error) -> tuple[float, float]:
    """Return the interval of `sklidh.evaluation.auc_interval`, 0 to 1 where it has none."""
    if not 0 < auc < 1 or not error > 0:
        return 0.0, 1.0
    half = norm.ppf(0.975) * error / (auc * (1 - auc))
    return expit(logit(auc) - half), expit(logit(auc) + half)


def bootstrapped(rng, table, n=200) -> np.ndarray:
    """Return mean AUCs of drawn folds, of each of which the patients of each class are drawn."""
    y, score, fold = (table[name].to_numpy() for name in ("true", "score", "fold"))
    wins = []
    for k in range(FOLDS):
        a, b = score[y & (fold == k)], score[~y & (fold == k)]
        pairs = 1.0 * (a[:, None] > b) + 0.5 * (a[:, None] == b)
        rows, columns = (
            rng.integers(len(a), size=(n, len(a))),
            rng.integers(len(b), size=(n, len(b))),
        )
        wins.append(pairs[rows[:, :, None], columns[:, None]].mean((1, 2)))
    drawn = rng.integers(FOLDS, size=(n, FOLDS))
    return np.array(wins)[drawn, np.arange(n)[:, None]].mean(1)


def intervals_of_auc(rng, table) -> dict[str, tuple[float, float]]:
    """Return the interval of the AUC by every method tried."""
    placed = by_fold(table)
    folds = np.array([v10.mean() for v10, _ in placed])
    auc, spread = folds.mean(), folds.std(ddof=1)
    whole = [placements(table["true"].to_numpy(), table["score"].to_numpy())]
    within = np.sqrt(variance_of(placed))
    t = student.ppf(0.975, FOLDS - 1)
    return {
        "DeLong, scores pooled": on_logit(whole[0][0].mean(), np.sqrt(variance_of(whole))),
        "t over folds": (
            auc - t * spread / np.sqrt(FOLDS),
            auc + t * spread / np.sqrt(FOLDS),
        ),
        "bootstrap of patients and folds": tuple(
            np.quantile(bootstrapped(rng, table), [0.025, 0.975])
        ),
        "corrected t over folds": (
            auc - t * spread * np.sqrt(1 / FOLDS + RATIO),
            auc + t * spread * np.sqrt(1 / FOLDS + RATIO),
        ),
        "DeLong within folds": on_logit(auc, within),
        "DeLong within folds, sd x 1.25": on_logit(auc, 1.25 * within),
        "DeLong within folds, inflated": on_logit(auc, np.sqrt(1 + FOLDS * RATIO) * within),
    }


def intervals_of_accuracy(rng, table) -> dict[str, tuple[float, float]]:
    """Return the interval of the accuracy by every method tried."""
    right = (table["called"] == table["true"]).to_numpy()
    n, count = len(right), int(right.sum())
    drawn = rng.binomial(n, count / n, size=400) / n
    wilson = binomtest(count, n).proportion_ci(method="wilson")
    few = n / (1 + FOLDS * RATIO)
    inflated = binomtest(round(count * few / n), round(few)).proportion_ci(method="wilson")
    return {
        "accuracy: percentile bootstrap": tuple(np.quantile(drawn, [0.025, 0.975])),
        "accuracy: Wilson": (wilson.low, wilson.high),
        "accuracy: Wilson, n inflated": (inflated.low, inflated.high),
    }


def pvalues(first, second) -> dict[str, float]:
    """Return the p-value of equal models by every test tried."""
    y = first["true"].to_numpy()
    one, other = (by_fold(table) for table in (first, second))
    differences = np.array([a[0].mean() - b[0].mean() for a, b in zip(one, other, strict=True)])
    pooled = [placements(y, table["score"].to_numpy()) for table in (first, second)]
    paired = [tuple(a - b for a, b in zip(*pooled, strict=True))]
    only = [
        int(((a["called"] == y) & (b["called"] != y)).sum())
        for a, b in ((first, second), (second, first))
    ]
    error = differences.std(ddof=1) / np.sqrt(FOLDS)
    corrected = corrected_resampled_ttest(differences, test_ratio=RATIO)
    z = paired[0][0].mean() / np.sqrt(variance_of(paired))
    return {
        "DeLong, scores pooled": 2 * norm.sf(abs(z)),
        "McNemar": binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0,
        "t over folds": 2 * student.sf(abs(differences.mean()) / error, FOLDS - 1),
        "corrected t over folds": corrected.pvalue,
    }


def coverage(n, scenario, n_cohorts, seed=0) -> tuple[pd.Series, pd.Series]:
    """Return how often the intervals hold the truth, and how wide they are."""
    rng, held, width = np.random.default_rng(seed), [], []
    for _ in range(n_cohorts):
        X, y = draw(rng, n, scenario)
        table, auc, accuracy = cross_validated(X, y, deal(rng, y), scenario)
        found = {name: (*ends, auc) for name, ends in intervals_of_auc(rng, table).items()}
        counts = intervals_of_accuracy(rng, table)
        found |= {name: (*ends, accuracy) for name, ends in counts.items()}
        held.append({name: low <= true <= high for name, (low, high, true) in found.items()})
        width.append({name: high - low for name, (low, high, _) in found.items()})
    return pd.DataFrame(held).mean(), pd.DataFrame(width).mean()


def size(n, scenario, n_cohorts, seed=0) -> pd.Series:
    """Return how often the tests call two models different that see equally good columns."""
    rng, rejected = np.random.default_rng(seed), []
    for _ in range(n_cohorts):
        (X, y), (other, _) = draw(rng, n, scenario), draw(rng, n, scenario)
        fold = deal(rng, y)
        tables = [cross_validated(columns, y, fold, scenario)[0] for columns in (X, other)]
        rejected.append({name: p < 0.05 for name, p in pvalues(*tables).items()})
    return pd.DataFrame(rejected).mean()


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cohorts", type=int, default=2000)
    n_cohorts = parser.parse_args().cohorts
    cells = {(n, name): (n, each, n_cohorts) for n in (60, 108) for name, each in SCENARIOS.items()}
    found = {key: coverage(*cell) for key, cell in cells.items()}
    sizes = {key: size(*cell) for key, cell in cells.items()}
    for title, columns in (
        ("Coverage", {key: held for key, (held, _) in found.items()}),
        ("Mean width", {key: width for key, (_, width) in found.items()}),
        ("Size at 5 %", sizes),
    ):
        print(f"\n{title}, {n_cohorts} cohorts\n{pd.DataFrame(columns).T.round(3).T.to_string()}")


if __name__ == "__main__":
    main()
