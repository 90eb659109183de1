"""
Explain one patient
===================

Why does the model predict a mutation for this patient? From the whole model down to the pixels of
one tumour.
"""

# %%
# A trained model
# ---------------
# Radiomics and a small network on two sequences that are aligned already.

from tempfile import TemporaryDirectory

import pandas as pd
from sklearn.model_selection import train_test_split

from sklidh import RadiomicsExtractor, SANetFeaturizer, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.plotting import (
    BlockImportanceDisplay,
    GradientMapDisplay,
    SelectedFeaturesDisplay,
    explain,
)

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=60, size=32, spacing=2.0, misalignment=(0, 0))
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
pipeline = make_idh_pipeline(
    ["T1CE", "FLAIR"],
    reference=None,
    radiomics=RadiomicsExtractor("paper"),
    deep=SANetFeaturizer(n_features=16, size=24, max_epochs=12, random_state=0),
    random_state=0,
).fit(X_train, y_train)

# %%
# What the model looks at
# -----------------------
# The features that were left of a thousand in each sequence:

SelectedFeaturesDisplay.from_estimator(pipeline)

# %%
# How much the AUC of the test patients drops when one sequence's features are shuffled among them:

BlockImportanceDisplay.from_estimator(pipeline, X_test, y_test)

# %%
# What contributes to one prediction
# ----------------------------------
# The test patient of whom the model is surest:

probability = pd.Series(pipeline.predict_proba(X_test)[:, 1], index=X_test.index)
patient = probability.idxmax()
print(f"{patient}: probability of a mutation {probability[patient]:.2f}")
print(f"the truth: {'mutant' if y[patient] == 1 else 'wild type'}")

# %%
# How much each sequence and each feature adds to the log odds, those that add most first; bars to
# the right speak for a mutation. On the right the same features among the training patients: where
# this patient is near the mutants and far from the wild types, the feature's bar points to the
# right.

explanation = explain(pipeline, X_test.loc[[patient]], X_train, y_train)
explanation

# %%
# The training patients who are most similar to this one:

explanation.nearest

# %%
# Where the network looked
# ------------------------
# The pixels that most influence the prediction of each network, over the slices it saw, with the
# tumour outlined. A network that looks beside the tumour has learnt something else, and such a
# picture is how one finds out.

GradientMapDisplay.from_estimator(pipeline, X_test, patient)

# sphinx_gallery_thumbnail_number = 3
