"""
Explain one patient
===================

Why does the model call this patient mutant? From the whole model down to the pixels of one tumour.
"""

# %%
# A trained model
# ---------------
# Radiomics and a small, short network on two sequences that lie on one another already.

from tempfile import TemporaryDirectory

import pandas as pd
from sklearn.model_selection import train_test_split

from sklidh import RadiomicsExtractor, SANetFeaturizer, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.plotting import BlockImportanceDisplay, GradientMapDisplay, SelectedFeaturesDisplay

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
pipeline = make_idh_pipeline(
    ["T1CE", "FLAIR"],
    reference=None,
    radiomics=RadiomicsExtractor("paper"),
    deep=SANetFeaturizer(n_features=16, size=24, max_epochs=4, random_state=0),
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
# What is special about this patient
# ----------------------------------
# The test patient of whom the model is surest:

probability = pd.Series(pipeline.predict_proba(X_test)[:, 1], index=X_test.index)
patient = probability.idxmax()
print(f"{patient}: probability of a mutation {probability[patient]:.2f}")
print(f"the truth: {'mutant' if y[patient] == 1 else 'wild type'}")

# %%
# The patient's features as the fusion sees them, in standard deviations from the mean of the
# training patients, beside the means of the two classes. A value near the mutants' and far from
# the wild types' speaks for a mutation.

train = pipeline[:-1].transform(X_train)
features = pd.DataFrame(
    {
        "patient": pipeline[:-1].transform(X_test.loc[[patient]]).loc[patient],
        "mutants": train[y_train == 1].mean(),
        "wild types": train[y_train == 0].mean(),
    }
)
apart = (features["mutants"] - features["wild types"]).abs()
features.loc[apart.nlargest(8).index].round(2)

# %%
# Where the network looked
# ------------------------
# The pixels that most influence the prediction of each network, over the slices it saw; the tumour
# is outlined. After four epochs it has hardly learnt to look at the tumour, and such a picture is
# how one finds out.

GradientMapDisplay.from_estimator(pipeline, X_test, patient)

# sphinx_gallery_thumbnail_number = 3
