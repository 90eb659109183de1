"""
Select features in each bootstrap resample
==========================================

Selection can be less stable than the classifier after it: leave out a few patients, and other
features are chosen. scikit-learn's ``BaggingClassifier`` repeats selection and fusion on resampled
patients and averages the predicted probabilities.
"""

# %%
# A table of features
# -------------------
# Radiomics describe one patient at a time, so they are computed once, outside the resamples. A
# table written by ``sklidh extract`` can be read instead.

from tempfile import TemporaryDirectory

import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import BaggingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from sklidh import RadiomicsExtractor, per_modality
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate
from sklidh.fusion import InvariantSpecificFusionClassifier
from sklidh.selection import CorrelationPruner, MannWhitneySelector

folder = TemporaryDirectory()
images, y = make_glioma_phantoms(folder.name, n_patients=60, size=24, spacing=2.7, effect=0.7)
bank = {"imageType": {"Original": {}}}
X = per_modality(RadiomicsExtractor(bank), ["T1CE", "T2"]).fit_transform(images)
X.shape

# %%
# Bagging of selection and fusion
# -------------------------------
# ``BaggingClassifier`` passes arrays to its estimators. The first step restores the column names,
# from which the next ones see the modality of each column. One network per resample is enough,
# because bagging already forms an ensemble.

names = FunctionTransformer(pd.DataFrame, kw_args={"columns": X.columns})
branch = make_pipeline(
    MannWhitneySelector(),
    CorrelationPruner(method="spearman"),
    StandardScaler(),
    PowerTransformer(),
)
selection = ColumnTransformer(
    [(name, branch, make_column_selector(f"^{name}__")) for name in ("T1CE", "T2")],
    verbose_feature_names_out=False,
).set_output(transform="pandas")
single = make_pipeline(
    names, selection, InvariantSpecificFusionClassifier(n_members=1, random_state=0)
)
bag = BaggingClassifier(single, n_estimators=6, random_state=0)

# %%
# Comparison
# ----------
# Both models are evaluated on the same folds. With so few patients, only a large difference would
# be meaningful.

for name, model in {"selected once": single, "selected in each resample": bag}.items():
    print(f"{name}: AUC {cross_validate(model, X, y, cv=3).metrics['AUC']:.3f}")

# %%
# Selection frequency of features
# -------------------------------
# Report the features that are selected in most resamples.

chosen = [member[1].get_feature_names_out() for member in bag.fit(X, y).estimators_]
counts = pd.Series([name for names in chosen for name in names]).value_counts()
ax = counts.head(12)[::-1].plot.barh(figsize=(8, 4), xlabel="number of resamples")
ax.figure.tight_layout()
