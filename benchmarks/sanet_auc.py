"""What the end-to-end classifier tells apart: ``python benchmarks/sanet_auc.py --lgg cases.csv``.

Cross-validated AUC of `SANetClassifier` on phantoms whose tumours show the mutation, on phantoms
whose tumours show nothing (half is what is right), and on a cohort of real patients where one is
given. Probabilities of all folds are pooled; the interval is DeLong's.
"""

import argparse
import tempfile
import time

from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sklidh.datasets import load_cohort, make_glioma_phantoms
from sklidh.evaluation import auc_interval
from sklidh.features import SANetClassifier


def report(name, X, y, modalities, options, **settings):
    start = time.perf_counter()
    classifier = SANetClassifier(
        modalities=modalities,
        size=options.size,
        max_epochs=options.epochs,
        augment=True,
        shuffle=True,
        class_weight="balanced",
        random_state=options.seed,
        **settings,
    )
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=options.seed)
    probability = cross_val_predict(classifier, X, y, cv=folds, method="predict_proba")[:, 1]
    area, (low, high) = roc_auc_score(y, probability), auc_interval(y, probability)
    print(
        f"{name:32} {len(y):3} patients, {int(y.sum())} mutants   AUC {area:.2f} [{low:.2f}, "
        f"{high:.2f}]   {time.perf_counter() - start:.0f} s",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=40, help="phantoms in each cohort")
    parser.add_argument("--size", type=int, default=32, help="side of the slices, pixels")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--effects", type=float, nargs="*", default=[1.0, 0.0])
    parser.add_argument("--lgg", help="cases.csv of a cohort with T1, T1CE and FLAIR")
    options = parser.parse_args()
    for effect in options.effects:
        with tempfile.TemporaryDirectory() as folder:
            X, y = make_glioma_phantoms(
                folder, options.patients, size=48, effect=effect, misalignment=(0, 0),
                random_state=options.seed,
            )  # fmt: skip
            for fusion in ("mean", "channels"):
                name = f"phantoms, effect={effect:g}, {fusion}"
                report(name, X, y, ["T1CE", "FLAIR"], options, fusion=fusion)
    if options.lgg:
        X, y = load_cohort(options.lgg, missing="nan")
        report("real, T1, T1CE, FLAIR, mean", X, y, ["T1", "T1CE", "FLAIR"], options, missing="nan")


if __name__ == "__main__":
    main()
