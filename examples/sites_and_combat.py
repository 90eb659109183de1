"""
Several hospitals, and ComBat
=============================

Measure the effect of scanners on features, and remove it with ComBat inside the cross-validation.
"""

# %%
# Three scanners
# --------------
# The patients come from three sites that differ in brightness, noise and slice spacing.

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
# Effect of the scanner on features
# ---------------------------------
# Features of T1CE, and the fraction of the variance of each feature that lies between the sites.

settings = {"imageType": {"Original": {}}, "setting": {"binWidth": 25}}
features = RadiomicsExtractor(settings).set_output(transform="pandas")
table = features.fit_transform(X[["T1CE", "mask"]])


def between_sites(table):
    """Return the fraction of each column's variance that is explained by the site means."""
    return table.groupby(X["site"]).transform("mean").var() / table.var()


combat = ComBat().set_output(transform="pandas")
harmonised = combat.fit_transform(table, site=X["site"])
parts = pd.DataFrame({"as scanned": between_sites(table), "ComBat": between_sites(harmonised)})
parts.nlargest(5, "as scanned").round(3)

# %%
# In a pipeline
# -------------
# ComBat learns the effects of the sites, so it must be fitted inside the cross-validation, on the
# training patients only. The site column is passed along with the features up to ComBat, which
# removes it.

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
# Harmonisation does not guarantee better predictions, and it has a cost: patients of a site that
# was not in the training set have no known effect, and are refused unless you set
# ``ComBat(unseen="mean")``. If the fraction of mutants differs between sites, ComBat removes part
# of the effect of the mutation together with that of the scanner: report both results.

feature = parts["as scanned"].idxmax()
both = {"as scanned": table, "ComBat": harmonised}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
for ax, (name, values) in zip(axes, both.items(), strict=True):
    groups = values[feature].groupby(X["site"])
    ax.boxplot([group for _, group in groups], tick_labels=list(groups.groups))
    ax.set_title(name)
_ = axes[0].set_ylabel(feature)
