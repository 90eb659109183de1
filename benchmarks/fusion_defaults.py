"""What the fusion's defaults cost: ``python benchmarks/fusion_defaults.py tcga_idh_features.csv``.

Nested cross-validation on the real columns of `tcga.py`, Input Method 3: in every outer fold the
learning rate, the number of epochs and the warm-up are chosen by an inner cross-validation of the
training rows alone, selection included. Beside it the defaults, and the only values that the paper
gives (Adam at 1e-4 in batches of 16), for 200 epochs and for 5000.
"""

import argparse
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from tcga import METHODS, read, selection

from sklidh.fusion import BatchedGridSearchCV, InvariantSpecificFusionClassifier

GRID = {"lr": [0.005, 0.02, 0.05], "max_epochs": [100, 200, 400], "warm_up": [0.0, 0.25]}
PAPER = {"lr": 1e-4, "batch_size": 16, "warm_up": 0.0}


def models(X, seed):
    """Return the ways of training, by name."""

    def pipeline(**training):
        fusion = InvariantSpecificFusionClassifier(
            groups=METHODS["Method 3"], random_state=seed, **training
        )
        return Pipeline([("select", selection(X, seed)), ("fusion", fusion)])

    grid = {f"fusion__{name}": values for name, values in GRID.items()}
    return {
        "chosen in inner folds": BatchedGridSearchCV(pipeline(), grid, cv=5, scoring="roc_auc"),
        "defaults": pipeline(),
        "paper, 200 epochs": pipeline(max_epochs=200, **PAPER),
        "paper, 5000 epochs": pipeline(max_epochs=5000, **PAPER),
    }


def main():
    """Print the AUC of each way in every outer fold, and what was chosen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = read(options.table, "all", permuted=False, repeat=0)
    aucs, chosen = {}, Counter()
    for repeat in range(options.repeats):
        folds = StratifiedKFold(5, shuffle=True, random_state=repeat)
        for train, test in folds.split(X, y):
            for name, model in models(X, repeat).items():
                model.fit(X.iloc[train], y[train])
                probability = model.predict_proba(X.iloc[test])[:, 1]
                aucs.setdefault(name, []).append(roc_auc_score(y[test], probability))
                if hasattr(model, "best_params_"):
                    chosen[tuple(model.best_params_.values())] += 1
    print(f"AUC, mean (standard deviation) of {5 * options.repeats} outer folds")
    for name, values in aucs.items():
        print(f"  {name:22} {np.mean(values):.3f} ({np.std(values):.3f})")
    print(f"chosen {tuple(GRID)}: {dict(chosen)}")


if __name__ == "__main__":
    main()
