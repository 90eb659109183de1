"""Deep features in sample, out of fold or not at all: ``python benchmarks/deep_features.py DATA``.

DATA is a folder with a ``cases.csv``, or several of one kind, which are joined. Per repeat, a
stratified cross-validation with everything that sees labels inside the folds: one network per
modality and, for the out-of-fold probabilities, one per inner fold. Radiomics and deep features are
selected by the Mann-Whitney test and pruned of correlated columns in each modality, then joined.

Prints the AUC of the pooled held-out patients with its 95 % interval, and the means over repeats of
AUC and Brier score. The interval, of the sampling of patients, is far wider than the spread over
repeats. With ``--permute`` the labels are shuffled and every AUC should be about one half.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.datasets import load_cohort
from sklidh.evaluation import auc_interval
from sklidh.features import RadiomicsExtractor, SANetFeaturizer
from sklidh.selection import CorrelationPruner, MannWhitneySelector


def load(folders, modalities):
    """Return the patients of all folders who have every modality, and their status."""
    tables, labels = zip(
        *(load_cohort(Path(folder) / "cases.csv", missing="nan") for folder in folders),
        strict=True,
    )
    X, y = pd.concat(tables)[[*modalities, "mask"]], pd.concat(labels)
    complete = X.notna().all(axis=1)
    print(f"{complete.sum()} of {len(X)} patients have {', '.join(modalities)}; ", end="")
    print(f"{y[complete].sum()} mutants")
    return X[complete], y[complete]


def deep_features(X, y, train, new, seed, options):
    """Return training and new patients' features, per way of computing them, from one fit."""
    featurizer = SANetFeaturizer(
        size=options.size,
        max_epochs=options.epochs,
        cv=options.inner_folds,
        train_features="out_of_fold",
        random_state=seed,
    ).set_output(transform="pandas")
    out_of_fold = featurizer.fit_transform(X.iloc[train], y.iloc[train])
    found = {"none": None, "out of fold": (out_of_fold, featurizer.transform(X.iloc[new]))}
    featurizer.set_params(train_features="in_sample")  # the same network describes everyone
    found["in sample"] = [featurizer.transform(X.iloc[rows]) for rows in (train, new)]
    return found


def selected(train, new, y):
    """Return the selected columns of training and new patients."""
    steps = StandardScaler(), MannWhitneySelector(), CorrelationPruner(random_state=0)
    selection = make_pipeline(*steps).set_output(transform="pandas").fit(train, y)
    return selection.transform(train), selection.transform(new)


def one_repeat(X, y, radiomics, seed, options):
    """Return probabilities per configuration, counts of selected deep columns, and deviations.

    The deviations are those of the out-of-fold probabilities of training and of new patients.

    Parameters
    ----------
    X : DataFrame of shape (n_patients, n_modalities + 1)
    y : Series of shape (n_patients,)
    radiomics : dict of str to DataFrame of shape (n_patients, n_columns)
    seed : int
    options : argparse.Namespace
    """
    probabilities = defaultdict(lambda: np.full(len(y), np.nan))
    counts, deviations = defaultdict(list), []
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=seed)
    for train, new in folds.split(X, y):
        labels, blocks = y.iloc[train], defaultdict(list)
        for name, columns in radiomics.items():
            deep = deep_features(X[[name, "mask"]], y, train, new, seed, options)
            deviations.append([each.to_numpy().std() for each in deep["out of fold"]])
            for way, found in deep.items():
                pair = columns.iloc[train], columns.iloc[new]
                if found is not None:
                    blocks[way, "deep alone"].append([each.add_prefix(name) for each in found])
                    pair = [pd.concat(both, axis=1) for both in zip(pair, found, strict=True)]
                kept = selected(*pair, labels)
                counts[way].append(kept[0].columns.str.startswith("sanet").sum())
                blocks[way, "radiomics"].append([each.add_prefix(name) for each in kept])
        for (way, kind), parts in blocks.items():
            fit, held_out = (pd.concat(each, axis=1) for each in zip(*parts, strict=True))
            models = {"logistic": make_pipeline(StandardScaler(), LogisticRegression(C=0.1))}
            if kind == "radiomics":
                models["forest"] = RandomForestClassifier(300, random_state=seed)
            for model, classifier in models.items():
                classifier.fit(fit, labels)
                probabilities[way, kind, model][new] = classifier.predict_proba(held_out)[:, 1]
    return probabilities, counts, deviations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="+", help="folders that hold cases.csv")
    parser.add_argument("--modalities", nargs="+", default=["T1", "FLAIR"])
    parser.add_argument("--size", type=int, default=40, help="side of the slices, pixels")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--inner-folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--permute", action="store_true", help="shuffle the labels")
    options = parser.parse_args()
    X, y = load(options.data, options.modalities)
    extractor = RadiomicsExtractor("paper").set_output(transform="pandas")
    radiomics = {m: extractor.fit_transform(X[[m, "mask"]]) for m in options.modalities}
    figures, counts, deviations = defaultdict(list), defaultdict(list), []
    for seed in range(options.repeats):
        status = y
        if options.permute:
            status = y.sample(frac=1, random_state=seed).set_axis(y.index)
        probabilities, deep, deviation = one_repeat(X, status, radiomics, seed, options)
        deviations += deviation
        print(f"repeat {seed + 1} of {options.repeats}")
        for name, probability in sorted(probabilities.items()):
            area, brier = (f(status, probability) for f in (roc_auc_score, brier_score_loss))
            low, high = auc_interval(status, probability)
            figures[name].append((area, brier))
            (mean, mean_brier), (spread, _) = (f(figures[name], axis=0) for f in (np.mean, np.std))
            print(
                f"  {'  '.join(f'{part:11}' for part in name)} AUC {area:.3f} [{low:.2f}, "
                f"{high:.2f}]   means: AUC {mean:.3f} (SD {spread:.3f}), Brier {mean_brier:.3f}"
            )
        for way, kept in deep.items():
            counts[way] += kept
            print(f"  {way:12} deep columns selected per modality {np.mean(counts[way]):.1f}")
        fitted, new = np.sqrt(np.mean(np.square(deviations), axis=0))
        print(
            f"  SD of the probability: training patients {fitted:.3f}, new ones {new:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
