"""
Several hospitals, and ComBat
=============================

Scanners shift and stretch features: see how much, and take it away inside the cross-validation.
"""

# %%
# Three scanners
# --------------
# The patients of this cohort come from three sites, each with its own brightness, noise and
# distance of slices.

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import ComBat, RadiomicsExtractor
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(
    folder.name, n_patients=45, size=32, spacing=2.0, sites=3, misalignment=(0, 0)
)
pd.crosstab(X["site"], y)

# %%
# What a scanner does to features
# -------------------------------
# Features of T1CE, and the part of each one's variance that lies between the sites.

settings = {"imageType": {"Original": {}}, "setting": {"binWidth": 25}}
features = RadiomicsExtractor(settings).set_output(transform="pandas")
table = features.fit_transform(X[["T1CE", "mask"]])


def between_sites(table):
    """Return the part of each column's variance that its sites' means explain."""
    return table.groupby(X["site"]).transform("mean").var() / table.var()


combat = ComBat().set_output(transform="pandas")
harmonised = combat.fit_transform(table, site=X["site"])
parts = pd.DataFrame({"as scanned": between_sites(table), "ComBat": between_sites(harmonised)})
parts.nlargest(5, "as scanned").round(3)

# %%
# In a pipeline
# -------------
# ComBat learns the sites' effects, so it belongs inside the cross-validation, fitted on the
# training patients alone. The column of sites goes beside the features as far as ComBat, which
# takes it away.

extract = ColumnTransformer(
    [("T1CE", features, ["T1CE", "mask"]), ("site", "passthrough", ["site"])],
    verbose_feature_names_out=False,
).set_output(transform="pandas")
classify = [StandardScaler(), LogisticRegression(C=0.1)]
drop_site = ColumnTransformer([("T1CE", features, ["T1CE", "mask"])])
models = {
    "as scanned": make_pipeline(drop_site, *classify),
    "ComBat": make_pipeline(extract, ComBat(), *classify),
}
aucs = {}
for name, model in models.items():
    result = cross_validate(model, X, y, cv=5)
    aucs[name] = [result.metrics["AUC"], *result.auc_interval]
pd.DataFrame(aucs, index=["AUC", "from", "to"]).T.round(2)

# %%
# Harmonising is no promise of a better prediction, and it has a price: a patient of a hospital
# that was not trained on has no known effect, and is refused unless you say
# ``ComBat(unseen="mean")``. Where sites have different shares of mutants, ComBat takes a part of
# the mutation for the scanner: report both.

feature = parts["as scanned"].idxmax()
both = {"as scanned": table, "ComBat": harmonised}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
for ax, (name, values) in zip(axes, both.items(), strict=True):
    groups = values[feature].groupby(X["site"])
    ax.boxplot([group for _, group in groups], tick_labels=list(groups.groups))
    ax.set_title(name)
_ = axes[0].set_ylabel(feature)
