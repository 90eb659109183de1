"""
Missing sequences
=================

Patients who lack sequences are neither left out nor completed with synthetic images.
"""

# %%
# Available sequences
# -------------------
# A sequence that was not acquired is an empty cell of the table; ``missing="nan"`` allows empty
# cells. T2 is always present, because the others are registered to it.

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
# The patient with the fewest sequences:

patient = acquired.sum(axis=1).idxmin()
CaseDisplay.from_case(X.loc[patient], MODALITIES)

# %%
# The pipeline
# ------------
# ``missing="nan"`` applies to every step. Features of a missing sequence are NaN; the selection
# uses the patients who have them; and the fusion predicts each patient from the available
# sequences.

pipeline = make_idh_pipeline(
    MODALITIES,
    reference=None,  # these images are already aligned
    radiomics=RadiomicsExtractor("paper"),
    deep=None,
    missing="nan",
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
_ = pipeline.fit(X_train, y_train)

# %%
# Every test patient gets a probability, however few sequences are available.

pd.DataFrame(
    {
        "sequences": [
            ", ".join(acquired.columns[row]) for row in acquired.loc[X_test.index].values
        ],
        "true": y_test == 1,
        "probability": pipeline.predict_proba(X_test)[:, 1].round(2),
    }
).sort_values("probability")
