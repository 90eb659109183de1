"""How much faster the selectors are than loops over columns: ``python benchmarks/selection.py``.

489 patients and the 4,004 columns of the paper's four modalities, with and without NaN. The loops
are what a script would write: one SciPy call per column, one per pair. A loop is run on a part of
its calls and the time multiplied up; the last column of the table says which part.
"""

import argparse
import itertools
import time
import warnings
from functools import partial

import numpy as np
from scipy.stats import kruskal, mannwhitneyu, pearsonr, spearmanr

from sklidh.selection import CorrelationPruner, MannWhitneySelector

SECONDS_PER_LOOP = 1.0


def make_columns(n_patients, n_features, holes, seed=0):
    """Return columns in groups of ten that correlate, a few of them with the class."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n_patients) < 0.4 * n_patients).astype(int)
    hidden = rng.normal(size=(n_patients, n_features // 10 + 1))
    hidden[:, ::5] += 0.5 * y[:, None]
    X = np.repeat(hidden, 10, axis=1)[:, :n_features]
    X = X + rng.uniform(0, 1.5, n_features) * rng.normal(size=X.shape)
    X[rng.random(X.shape) < holes] = np.nan
    return X, y


def seconds_of(call):
    """Return the best of three times, after one call for the imports."""
    call()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def seconds_of_loop(calls, n_calls):
    """Return the time of all calls, extrapolated, and the share that was run."""
    start = time.perf_counter()
    done = 0
    for call in calls:
        call()
        done += 1
        if time.perf_counter() - start > SECONDS_PER_LOOP:
            break
    return (time.perf_counter() - start) * n_calls / done, done / n_calls


def test_columns(test, X, y):
    """Yield one call per column: its classes, NaN left out."""
    for column in X.T:
        there = ~np.isnan(column)
        samples = [column[there & (y == k)] for k in np.unique(y)]
        yield lambda samples=samples: test(*samples)


def test_pairs(test, X):
    """Yield one call per pair of columns, spread over all pairs: the patients who have both."""
    pairs = itertools.combinations(np.random.default_rng(0).permutation(X.shape[1]), 2)
    for i, j in pairs:

        def call(a=X[:, i], b=X[:, j]):
            both = ~(np.isnan(a) | np.isnan(b))
            return test(a[both], b[both])

        yield call


def rows(n_patients, n_features):
    """Yield the lines of the table: name, seconds of the loop, its share, seconds here."""
    n_pairs = n_features * (n_features - 1) // 2
    for holes in (0.0, 0.05):
        X, y = make_columns(n_patients, n_features, holes)
        three = np.arange(n_patients) % 3
        for label, test, target in (("U test", mannwhitneyu, y), ("H test", kruskal, three)):
            loop = seconds_of_loop(test_columns(test, X, target), n_features)
            here = seconds_of(partial(MannWhitneySelector().fit, X, target))
            yield f"{label}, {holes:.0%} NaN", *loop, here
        for method, test in (("pearson", pearsonr), ("spearman", spearmanr)):
            loop = seconds_of_loop(test_pairs(test, X), n_pairs)
            here = seconds_of(partial(CorrelationPruner(method=method, random_state=0).fit, X))
            yield f"{method}, {holes:.0%} NaN", *loop, here


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=489)
    parser.add_argument("--columns", type=int, default=4004)
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    print(f"{options.patients} patients, {options.columns} columns")
    print(f"{'step':<18} {'loop / s':>10} {'sklidh / s':>11} {'ratio':>8}  part of the loop run")
    for name, loop, share, here in rows(options.patients, options.columns):
        print(f"{name:<18} {loop:>10.2f} {here:>11.3f} {loop / here:>7.0f}x  {share:.2%}")


if __name__ == "__main__":
    main()
