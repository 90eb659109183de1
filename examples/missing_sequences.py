"""
Missing sequences
=================

Not every patient was scanned with every sequence: nobody is left out, no image is invented.
"""

# %%
# Who has what
# ------------
# A sequence that was not acquired is an empty cell of the table, and ``missing="nan"`` says that
# empty cells are meant. T2 is always there: the others are registered onto it.

from tempfile import TemporaryDirectory

import pandas as pd
from sklearn.model_selection import train_test_split

from sklidh import RadiomicsExtractor, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.plotting import CaseDisplay

MODALITIES = ["T1", "T1CE", "T2", "FLAIR"]

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(
    folder.name, n_patients=40, size=32, spacing=2.0, missing=0.25, misalignment=(0, 0)
)
acquired = X[MODALITIES].notna()
acquired.value_counts().rename("patients").reset_index()

# %%
# One of them:

patient = acquired.sum(axis=1).idxmin()
CaseDisplay.from_case(X.loc[patient], MODALITIES)

# %%
# The pipeline
# ------------
# ``missing="nan"`` reaches every step. Features of a sequence that is not there are NaN; the
# selection works with the patients who have them; the fusion predicts a patient from what is
# there.

pipeline = make_idh_pipeline(
    MODALITIES,
    reference=None,  # these images lie on one another already
    radiomics=RadiomicsExtractor("paper"),
    deep=None,
    missing="nan",
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
_ = pipeline.fit(X_train, y_train)

# %%
# Every patient of the test set has a probability, however few sequences there are.

pd.DataFrame(
    {
        "sequences": [
            ", ".join(acquired.columns[row]) for row in acquired.loc[X_test.index].values
        ],
        "mutant": y_test == 1,
        "probability": pipeline.predict_proba(X_test)[:, 1].round(2),
    }
).sort_values("probability")
