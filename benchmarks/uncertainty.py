"""Prediction sets and recalibration on held-out patients.

    python benchmarks/uncertainty.py tcga_idh_features.csv --repeats 20

The table is that of ``benchmarks/tcga.py``. In each repeat a random quarter of the patients,
stratified by class, is held out, and the recommended model is trained on the rest, with every step
inside the folds. Coverage is the fraction of held-out patients whose prediction set contains their
class. Figures are means over the repeats; the standard deviation over the repeats, in brackets, is
mostly that of the few held-out patients of a class. The binomial column is its standard deviation
if coverage was nominal and training had no influence on it. `docs/evaluation.rst` shows the
results.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from tcga import read, selections

from sklidh.evaluation import fit_with_uncertainty
from sklidh.fusion import InvariantSpecificFusionClassifier

COVERAGES = (0.8, 0.9)


def sets_of(p, y, coverage) -> dict[str, float]:
    """Return coverage and sizes of the prediction sets with given p-values."""
    sets = p > 1 - coverage + 1e-9
    size = sets.sum(1)
    return {
        "wild type": sets[y == 0, 0].mean(),
        "mutant": sets[y == 1, 1].mean(),
        "all": sets[np.arange(len(y)), y].mean(),
        "one class": (size == 1).mean(),
        "both": (size == 2).mean(),
        "none": (size == 0).mean(),
    }


def calibration_of(y, probability) -> dict[str, float]:
    """Return how well probabilities are calibrated."""
    return {
        "Brier score": brier_score_loss(y, probability),
        "log loss": log_loss(y, probability),
    }


def one_repeat(X, y, repeat):
    """Return the figures of the sets by coverage, and of the probabilities by name."""
    ((train, test),) = StratifiedShuffleSplit(1, test_size=0.25, random_state=repeat).split(X, y)
    fusion = InvariantSpecificFusionClassifier(random_state=repeat)
    model = make_pipeline(selections(X, repeat)["recommended"], fusion)
    how = {"calibrate": True, "coverage": COVERAGES[0], "random_state": repeat}
    fitted = fit_with_uncertainty(model, X.iloc[train], y[train], **how)
    p = fitted.predict_pvalues(X.iloc[test])
    calibrated = fitted.estimator_
    plain = calibrated.calibrated_classifiers_[0].estimator
    probabilities = {
        name: calibration_of(y[test], each.predict_proba(X.iloc[test])[:, 1])
        for name, each in (("as trained", plain), ("recalibrated", calibrated))
    }
    members = plain[-1].predict_proba_members(plain[:-1].transform(X.iloc[test]))[..., 1]
    wrong = (members.mean(0) >= 0.5) != y[test]
    spread = members.std(0)
    figures = {"correct": spread[~wrong].mean(), "wrong": spread[wrong].mean()}
    return {c: sets_of(p, y[test], c) for c in COVERAGES}, probabilities, figures


def shown(rows) -> pd.Series:
    """Return means and standard deviations over the repeats."""
    table = pd.DataFrame(rows)
    return table.mean().map("{:.3f}".format) + table.std().map(" ({:.3f})".format)


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("features")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--cohort", choices=["all", "LGG"], default="all")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # classes too small, repeats without a wrong prediction
    found = []
    for repeat in range(options.repeats):
        X, y = read(options.features, options.cohort, False, repeat)
        found.append(one_repeat(X, y, repeat))
        print(".", end="", flush=True)
    sets, probabilities, spread = zip(*found, strict=True)
    held = np.round(np.bincount(y) / 4)
    print(f"\n{len(y)} patients, {y.sum()} mutant; {options.repeats} repeats\n")
    table = pd.DataFrame({c: shown([each[c] for each in sets]) for c in COVERAGES})
    print(table.rename_axis("coverage").to_string())
    for coverage in COVERAGES:
        deviation = np.sqrt(coverage * (1 - coverage) / held)
        print(f"binomial, {coverage}: wild type {deviation[0]:.3f}, mutant {deviation[1]:.3f}")
    names = probabilities[0]
    print("\n", pd.DataFrame({n: shown([each[n] for each in probabilities]) for n in names}))
    print("\nSpread of the networks by prediction\n", shown(spread).to_string())


if __name__ == "__main__":
    main()
