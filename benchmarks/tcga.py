"""AUC of every fusion on real patients: ``python benchmarks/tcga.py tcga_idh_features.csv``.

Bakas et al. 2017, 165 radiomic columns in each of four sequences and 64 of shape, with the IDH
status. Five times five-fold cross-validation; median imputation, scaling and the paper's three
steps of selection are inside the folds. Whether a patient is of TCGA-GBM or TCGA-LGG tells the
status almost by itself, so it is never a feature, and TCGA-LGG alone stands beside the whole.
With permuted labels every figure should be one half.

One repeat of one table is kept in a file of ``--out`` as soon as it is done; a second call goes on
from there.
"""

import argparse
import json
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.fusion import BRNNClassifier, InvariantSpecificFusionClassifier, LateFusionClassifier
from sklidh.selection import CorrelationPruner, LassoCVSelector, MannWhitneySelector

MODALITIES = ["T1", "T1CE", "T2", "FLAIR"]
METHODS = {
    "Method 1": [("T1CE",), ("FLAIR",)],
    "Method 2": None,
    "Method 3": [("T1", "T1CE"), ("T2", "FLAIR")],
}
DIFFERENCES = ["distance", "xcorr", "cosine", "dot", "misa"]
REPEATS = 5


def columns_of(X, blocks):
    """Return the names of the blocks' columns."""
    return [name for name in X.columns if name.partition("__")[0] in blocks]


def logistic_models():
    """Yield models of all columns of some blocks, and these blocks."""
    blocks = {m: [m] for m in MODALITIES}
    blocks |= {"four sequences": MODALITIES, "and shape": [*MODALITIES, "SHAPE"]}
    for name, used in blocks.items():
        for penalty, settings in (("L2", {"C": 0.01}), ("L1", {"C": 0.2, "l1_ratio": 1.0})):
            model = LogisticRegression(solver="liblinear", max_iter=1000, **settings)
            steps = SimpleImputer(strategy="median"), StandardScaler(), model
            yield f"{penalty} logistic, {name}", used, make_pipeline(*steps)


def fusion_models(seed):
    """Yield models that fuse the selected columns."""
    for method in ("average", "regression"):
        yield method.capitalize(), LateFusionClassifier(BRNNClassifier(random_state=seed), method)
    for (name, groups), difference in product(METHODS.items(), DIFFERENCES):
        yield (
            f"{name}, {difference}",
            InvariantSpecificFusionClassifier(
                groups=groups, difference=difference, n_members=3, random_state=seed
            ),
        )
    for name, groups in METHODS.items():
        free = InvariantSpecificFusionClassifier(
            0, 0, 0, groups=groups, n_members=3, random_state=seed
        )
        yield f"{name}, no constraints", free


def selection(X, seed):
    """Return the paper's three steps for each sequence by itself."""
    steps = make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        MannWhitneySelector(),
        CorrelationPruner(random_state=seed),
        LassoCVSelector(random_state=seed),
    )
    branches = [(m, steps, columns_of(X, [m])) for m in MODALITIES]
    return ColumnTransformer(branches, verbose_feature_names_out=False).set_output(
        transform="pandas"
    )


def one_repeat(X, y, repeat):
    """Return the mean AUC over five folds, by model."""
    aucs = {}
    folds = StratifiedKFold(5, shuffle=True, random_state=repeat)
    for train, test in folds.split(X, y):

        def score(name, model, table, train=train, test=test):
            probability = model.fit(table.iloc[train], y[train]).predict_proba(table.iloc[test])
            aucs.setdefault(name, []).append(roc_auc_score(y[test], probability[:, 1]))

        for name, blocks, model in logistic_models():
            score(name, model, X[columns_of(X, blocks)])
        select = selection(X, repeat).fit(X.iloc[train], y[train])
        selected = select.transform(X)
        for name, model in fusion_models(repeat):
            score(name, model, selected)
    return {name: float(np.mean(values)) for name, values in aucs.items()}


def read(path, cohort, permuted, repeat):
    """Return the columns and the labels."""
    table = pd.read_csv(path, index_col="patient_id")
    if cohort == "LGG":
        table = table[table["collection"].str.contains("LGG")]
    y = table["idh"].to_numpy()
    if permuted:
        y = np.random.default_rng(repeat).permutation(y)
    X = table[columns_of(table, [*MODALITIES, "SHAPE"])]
    return X.dropna(axis=1, how="all"), y


def main():
    """Go on with what is not done yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, default=Path("tcga-benchmark"))
    parser.add_argument("--pieces", type=int, default=1000, help="do at most so many, then stop")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    options.out.mkdir(exist_ok=True)
    found = {}
    for cohort, permuted in product(("all", "LGG"), (False, True)):
        title = f"{cohort}{', permuted' if permuted else ''}"
        for repeat in range(REPEATS):
            file = options.out / f"{title}-{repeat}.json"
            if not file.exists() and options.pieces > 0:
                options.pieces -= 1
                X, y = read(options.table, cohort, permuted, repeat)
                file.write_text(json.dumps(one_repeat(X, y, repeat)))
            if file.exists():
                found.setdefault(title, []).append(json.loads(file.read_text()))
    print("Mean of 5 x 5 folds, and the standard deviation over the 5 repeats.")
    table = pd.DataFrame({title: pd.DataFrame(rows).T.mean(1) for title, rows in found.items()})
    spread = pd.DataFrame({title: pd.DataFrame(rows).T.std(1) for title, rows in found.items()})
    print((table.map("{:.3f}".format) + spread.map(" ({:.3f})".format)).to_string())
    for title, rows in found.items():
        print(f"{title}: {len(rows)} of {REPEATS} repeats")


if __name__ == "__main__":
    main()
