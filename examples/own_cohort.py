"""
Your own cohort
===============

A folder of images and a spreadsheet: what to write, what is found wrong with it, and a first look.
"""

# %%
# What a hospital hands over
# --------------------------
# A folder for each patient, with whatever file names, and a spreadsheet of who they are. Here both
# are written by this script, with two slips of the kind that happen.

import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from sklidh import load_cohort
from sklidh.datasets import make_glioma_phantoms
from sklidh.images import check_case
from sklidh.plotting import CaseDisplay
from sklidh.utils import CohortError

folder = TemporaryDirectory()
root = Path(folder.name)
make_glioma_phantoms(root, n_patients=8, size=32, spacing=2.0)

patients = sorted(root.glob("phantom-*"))
table = pd.DataFrame({"patient": [path.name for path in patients]})
for modality in ("T1", "T1CE", "T2", "FLAIR", "mask"):
    table[modality] = [f"{path.name}/{modality}.nii.gz" for path in patients]
table["idh"] = pd.array([1, 0, 1, 0, 0, 1, 0, 1], dtype="Int64")
table["age"] = [34, 61, 45, 58, 70, 39, 66, 41]

table.loc[2, "FLAIR"] = "phantom-002/flair.nii.gz"
table.loc[5, "idh"] = None
table.to_csv(root / "cases.csv", index=False)
table[["patient", "FLAIR", "idh", "age"]]

# %%
# Loading finds every slip
# ------------------------
# All of them at once, by patient and column, before anything is computed.

try:
    load_cohort(root / "cases.csv")
except CohortError as error:
    print(str(error).replace(folder.name, "..."))

# %%
# Mended, the table loads. ``X`` has the patients' ids as its index and absolute paths in its
# cells; ``y`` is the column ``idh``.

table.loc[2, "FLAIR"] = "phantom-002/FLAIR.nii.gz"
table.loc[5, "idh"] = 1
table.to_csv(root / "cases.csv", index=False)

X, y = load_cohort(root / "cases.csv")
y.value_counts().rename("patients").to_frame()

# %%
# Look before you compute
# -----------------------
# A table that is right can name images that are not. ``sklidh check cases.csv`` reads every one of
# them and draws a page with all patients; here is the same by hand.

broken = Path(X.loc["phantom-004", "T1CE"])
whole = broken.read_bytes()
broken.write_bytes(whole[: len(whole) // 2])  # a copy that was interrupted

for _, case in X.iterrows():
    for problem in check_case(case, ["T1", "T1CE", "T2", "FLAIR"], reference="T2"):
        print(textwrap.fill(str(problem).replace(folder.name, "...")))

_ = broken.write_bytes(whole)

# %%
# The outline is the mask; it was drawn on T2. From here on it goes as in :doc:`quick_start`.

CaseDisplay.from_case(X.loc["phantom-004"], ["T2"])
