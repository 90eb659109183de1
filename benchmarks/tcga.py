"""AUC on real patients: ``python benchmarks/tcga.py tcga_idh_features.csv``.

The table holds radiomics, ``T1CE__name`` and so on, and the column ``idh``: that of Bakas et al.
2017, 165 features of each of four sequences, or one that ``sklidh extract`` wrote. Five times
five-fold cross-validation; imputation, scaling, selection and every choice are inside the folds.
The recommended configuration is compared with the paper's, with variants that change one choice
each ("-"), and with common classifiers. In TCGA the column ``collection``, GBM or LGG, predicts
the status almost by itself, so it is never a feature, and LGG is evaluated alone as well. With
permuted labels every figure should be one half.

The figures of each repeat are kept in a file in ``--out`` as soon as they are computed; a second
call computes only what is missing.
"""

import argparse
import json
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklidh.fusion import BRNNClassifier, InvariantSpecificFusionClassifier, LateFusionClassifier
from sklidh.pipeline import PAPER_FUSION, PAPER_GROUPS
from sklidh.selection import (
    CorrelationPruner,
    LassoCVSelector,
    MannWhitneySelector,
    StabilitySelector,
)

MODALITIES = ["T1", "T1CE", "T2", "FLAIR"]
METHOD_1, METHOD_3 = [("T1CE",), ("FLAIR",)], list(PAPER_GROUPS)
REPEATS = 5


def columns_of(X, blocks):
    """Return the names of the blocks' columns."""
    return [name for name in X.columns if name.partition("__")[0] in blocks]


def present(X):
    """Return the sequences of the table."""
    return [m for m in MODALITIES if columns_of(X, [m])]


def selections(X, seed):
    """Return the ways to scale and select within each sequence, by name."""
    power, standard = PowerTransformer(), StandardScaler()
    test, lasso = MannWhitneySelector(), LassoCVSelector(random_state=seed)
    ranks = CorrelationPruner(method="spearman", keep="relevance")
    pearson = CorrelationPruner(keep="relevance")
    random = CorrelationPruner(keep="random", random_state=seed)
    random_ranks = CorrelationPruner(method="spearman", keep="random", random_state=seed)
    stability = StabilitySelector(SelectFromModel(Lasso(0.05)), random_state=seed)
    ways = {
        "recommended": [test, ranks, standard, power],
        "standard scaler": [test, ranks, standard],
        "Pearson": [test, pearson, standard, power],
        "pruned at random": [test, random_ranks, standard, power],
        "LASSO": [test, ranks, standard, power, lasso],
        "stability": [test, ranks, standard, power, stability],
        "paper": [standard, test, random, lasso],
    }
    found = {}
    for name, steps in ways.items():
        branch = make_pipeline(SimpleImputer(strategy="median"), *steps)
        branches = [(m, branch, columns_of(X, [m])) for m in present(X)]
        found[name] = ColumnTransformer(branches, verbose_feature_names_out=False)
        found[name].set_output(transform="pandas")
    return found


def models(seed, modalities):
    """Yield names, selections and classifiers."""

    def fusion(**settings):
        return InvariantSpecificFusionClassifier(random_state=seed, **settings)

    yield "Recommended", "recommended", fusion()
    yield "- StandardScaler alone", "standard scaler", fusion()
    yield "- Pearson's r", "Pearson", fusion()
    yield "- pruned at random", "pruned at random", fusion()
    yield "- LASSO", "LASSO", fusion()
    yield "- stability selection", "stability", fusion()
    yield "- Input Method 1", "recommended", fusion(groups=METHOD_1)
    if len(modalities) == 4:
        yield "- Input Method 3", "recommended", fusion(groups=METHOD_3)
    yield "- bootstrap", "recommended", fusion(bootstrap=True)
    for members in (1, 5, 20):
        yield f"- {members} network(s)", "recommended", fusion(n_members=members)
    for strength in (0.0, 0.3):
        strengths = dict.fromkeys(("alpha", "beta", "gamma"), strength)
        yield f"- strengths {strength}", "recommended", fusion(**strengths)
    for difference in ("distance", "xcorr", "cosine", "dot", "misa"):
        yield f"- difference {difference}", "recommended", fusion(difference=difference)
    groups = METHOD_3 if len(modalities) == 4 else None
    paper = PAPER_FUSION | {"groups": groups}
    yield "Paper", "paper", fusion(**paper)
    yield "- ten networks", "paper", fusion(**paper | {"n_members": 10})
    yield "- our training", "paper", fusion(n_members=1, groups=groups)
    late = BRNNClassifier(random_state=seed)
    yield "Paper, regression", "paper", LateFusionClassifier(late, "regression")
    for way in ("recommended", "LASSO", "paper"):
        forest = RandomForestClassifier(500, random_state=seed)
        yield f"Logistic regression, selection {way}", way, LogisticRegression(max_iter=5000)
        yield f"Random forest, selection {way}", way, forest
    yield "Random forest, all columns", None, RandomForestClassifier(500, random_state=seed)
    for modality in modalities:
        yield f"Logistic regression, {modality}", modality, LogisticRegression(max_iter=5000)


def one_repeat(X, y, repeat, done, *, alone):
    """Return the AUC of the predictions of all five folds together, by model not yet done.

    With `alone`, without the variants.
    """
    ways = selections(X, repeat)
    left = [each for each in models(repeat, present(X)) if each[0] not in done]
    left = [each for each in left if not (alone and each[0].startswith("-"))]
    predicted = {name: np.empty(len(y)) for name, *_ in left}
    folds = StratifiedKFold(5, shuffle=True, random_state=repeat)
    for train, test in folds.split(X, y):
        tables = {None: X.fillna(X.iloc[train].median())}
        for way in {way for _, way, _ in left if way in ways}:
            tables[way] = ways[way].fit(X.iloc[train], y[train]).transform(X)
        for name, way, model in left:
            if way in MODALITIES:
                table = tables["recommended"][columns_of(tables["recommended"], [way])]
            else:
                table = tables[way]
            probability = model.fit(table.iloc[train], y[train]).predict_proba(table.iloc[test])
            predicted[name][test] = probability[:, 1]
    return {name: float(roc_auc_score(y, p)) for name, p in predicted.items()}


def read(path, cohort, permuted, repeat):
    """Return the columns and the labels."""
    table = pd.read_csv(path, index_col=0)
    if cohort == "LGG":
        table = table[table["collection"].str.contains("LGG")]
    y = table["idh"].to_numpy()
    if permuted:
        y = np.random.default_rng(repeat).permutation(y)
    X = table[columns_of(table, MODALITIES)]
    return X.dropna(axis=1, how="all"), y


def main():
    """Compute what is not there yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, default=Path("tcga-benchmark"))
    parser.add_argument("--main", action="store_true", help="leave out the variants")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    options.out.mkdir(exist_ok=True)
    found = {}
    cohorts = ["all"] + ["LGG"] * ("collection" in pd.read_csv(options.table, nrows=1))
    for permuted, cohort in product((False, True), cohorts):
        title = f"{cohort}{', permuted' if permuted else ''}"
        for repeat in range(REPEATS):
            file = options.out / f"{title}-{repeat}.json"
            done = json.loads(file.read_text()) if file.exists() else {}
            X, y = read(options.table, cohort, permuted, repeat)
            done |= one_repeat(X, y, repeat, done, alone=permuted or options.main)
            file.write_text(json.dumps(done))
            found.setdefault(title, []).append(done)
    print("Pooled AUC of five folds: mean, and standard deviation over the 5 repeats.")
    table = pd.DataFrame({title: pd.DataFrame(rows).T.mean(1) for title, rows in found.items()})
    spread = pd.DataFrame({title: pd.DataFrame(rows).T.std(1) for title, rows in found.items()})
    print((table.map("{:.3f}".format) + spread.map(" ({:.3f})".format)).to_string())


if __name__ == "__main__":
    main()
