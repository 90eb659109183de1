"""What the paper's tables reveal of its test set: ``python benchmarks/printed_tables.py``.

Accuracy, precision and recall with two decimals, of a test set whose size is known up to one
patient, leave few counts of true and false predictions. The script lists the test sets that fit all
rows, the counts of each row, and the binomial intervals of the printed figures.
"""

import numpy as np
from scipy.stats import binomtest, hypergeom

from sklidh.baselines import PAPER_TABLES

SIZES = range(115, 131)
COHORT, MUTANTS = 509, 197
"""Section III.A: 312 wild-type and 197 mutant patients."""


def printed_rows() -> dict[str, tuple[float, float, float]]:
    """Return accuracy, precision and recall of every distinct row, by its first label."""
    rows = {}
    for table in PAPER_TABLES.values():
        for row in table.rows:
            if row.printed is not None and row.printed[1:4] not in rows.values():
                rows[row.label] = row.printed[1:4]
    return rows


def counts(figures, n, mutants) -> list[tuple[int, int, int, int]]:
    """Return every (TP, FP, TN, FN) of n patients whose figures are printed like these."""
    accuracy, precision, recall = figures
    found = []
    for tp in range(mutants + 1):
        if not printed_as(tp, mutants, recall):
            continue
        for fp in range(n - mutants + 1):
            tn = n - mutants - fp
            fits = tp + fp and printed_as(tp, tp + fp, precision)
            if fits and printed_as(tp + tn, n, accuracy):
                found.append((tp, fp, tn, mutants - tp))
    return found


def printed_as(count, n, figure) -> bool:
    """Whether count / n is `figure` with two decimals; a half may be rounded either way."""
    return abs(count / n - figure) <= 0.005 + 1e-9


def fitting(rows, sizes=SIZES) -> dict[tuple[int, int], int]:
    """Return how many rows each test set (patients, mutants) fits."""
    return {
        (n, mutants): sum(bool(counts(row, n, mutants)) for row in rows.values())
        for n in sizes
        for mutants in range(n // 4, 3 * n // 4)
    }


def chance_of(mutants, n) -> float:
    """Return how likely a random split is as far from the cohort's share of mutants, or farther."""
    drawn = hypergeom(COHORT, MUTANTS, n)
    likely = drawn.pmf(np.arange(n + 1))
    return float(likely[likely <= drawn.pmf(mutants) * (1 + 1e-9)].sum())


def main():
    """Print what was found."""
    rows = printed_rows()
    fits = fitting(rows)
    whole = [test for test, n_rows in fits.items() if n_rows == len(rows)]
    print(f"{len(rows)} distinct rows; test sets (patients, mutants) that fit all: {whole}")
    for n in (122, 123):
        best = max((n_rows, m) for (size, m), n_rows in fits.items() if size == n)
        print(f"{n} patients: at most {best[0]} rows, with {best[1]} mutants")
    for n, mutants in whole:
        share = mutants / n
        chance = chance_of(mutants, n)
        print(f"{share:.3f} mutants by a random split of {MUTANTS}/{COHORT}: {chance:.4f}")
        for label, figures in rows.items():
            for tp, fp, tn, fn in counts(figures, n, mutants):
                ends = [
                    binomtest(k, of).proportion_ci(method="wilson")
                    for k, of in ((tp + tn, n), (tp, tp + fp), (tp, mutants))
                ]
                told = "  ".join(
                    f"{figure:.2f} [{end.low:.2f}, {end.high:.2f}]"
                    for figure, end in zip(figures, ends, strict=True)
                )
                print(f"{label:24} {tp:3}/{fp:3}/{tn:3}/{fn:3}  right {tp + tn:3}  {told}")


if __name__ == "__main__":
    main()
