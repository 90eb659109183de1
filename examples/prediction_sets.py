"""
How certain is a prediction?
============================

A probability does not state how far it can be trusted. This example predicts, for each patient, the
set of classes that cannot be excluded, and shows how much the networks of an ensemble differ.
"""

# %%
# A cohort
# --------
# Simulated features of two sequences stand in for radiomics. A third of the patients is new.

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from sklidh.evaluation import choose_threshold, fit_with_uncertainty, innermost
from sklidh.fusion import InvariantSpecificFusionClassifier

rng = np.random.default_rng(0)
y = pd.Series(np.arange(150) % 3 == 0).astype(int)
columns = [f"{sequence}__f{k}" for sequence in ("T1CE", "FLAIR") for k in range(5)]
X = pd.DataFrame(rng.normal(size=(150, 10)) + 0.7 * y.to_numpy()[:, None], columns=columns)
X_train, X_new, y_train, y_new = train_test_split(X, y, test_size=1 / 3, stratify=y, random_state=0)

# %%
# Train with recalibration and prediction sets
# --------------------------------------------
# Five models, each trained without one fold, measure how unusual the patients of that fold are in
# their own class. On the command line: ``sklidh train --calibrate --coverage 0.9``.

fusion = InvariantSpecificFusionClassifier(random_state=0)
model = fit_with_uncertainty(fusion, X_train, y_train, calibrate=True, coverage=0.9)
threshold = choose_threshold(model, X_train, y_train, "youden")

# %%
# Predict new patients
# --------------------
# A set with both classes is an uncertain prediction. The spread is the standard deviation over the
# ten networks. It is not a confidence interval, because all of them learned from the same patients.

sets = model.predict_set(X_new)
members = innermost(model).predict_proba_members(X_new)[:, :, 1]
table = pd.DataFrame(
    {
        "probability": model.predict_proba(X_new)[:, 1],
        "spread": members.std(axis=0),
        "wild type": sets[:, 0],
        "mutant": sets[:, 1],
        "truth": y_new.map({0: "wild type", 1: "mutant"}),
    }
)
table["mutant from threshold"] = table["probability"] >= threshold
table.round(2).head(10)

# %%
# Coverage
# --------
# The sets contain the true class in about 90 % of the patients of each class, within the error of
# the few patients here.

for name, group in table.groupby("truth"):
    print(f"{name}: covered in {group[name].mean():.0%} of {len(group)} patients")
size = sets.sum(axis=1)
print(f"one class: {(size == 1).sum()}, both: {(size == 2).sum()}, none: {(size == 0).sum()}")
