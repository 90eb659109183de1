"""
Search with Optuna
==================

Search the strengths of the constraints as continuous numbers instead of a grid.
"""

# %%
# The pipeline
# ------------
# Feature extraction learns nothing from the patients, so it runs once, before the search. Selection
# learns, and stays in the pipeline; ``memory=`` fits it once per fold instead of once per trial.

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import optuna
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import (
    InvariantSpecificFusionClassifier,
    LassoCVSelector,
    MannWhitneySelector,
    RadiomicsExtractor,
    per_modality,
)
from sklidh.datasets import make_glioma_phantoms

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
extract = per_modality(RadiomicsExtractor("paper"), ["T1CE", "FLAIR"])
features = extract.set_output(transform="pandas").fit_transform(X)

pipeline = make_pipeline(
    StandardScaler(),
    MannWhitneySelector(),
    LassoCVSelector(cv=5, random_state=0),
    InvariantSpecificFusionClassifier(random_state=0),
    memory=folder.name,
).set_output(transform="pandas")

# %%
# The search
# ----------
# A trial suggests three strengths and one interpretation of Eq. 4. All trials use the same folds.


def auc(trial):
    fusion = {name: trial.suggest_float(name, 0, 1) for name in ("alpha", "beta", "gamma")}
    fusion["difference"] = trial.suggest_categorical("difference", ["distance", "cosine", "xcorr"])
    pipeline[-1].set_params(**fusion)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    return cross_val_score(pipeline, features, y, cv=folds, scoring="roc_auc").mean()


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(auc, n_trials=8)

# %%
# The differences between the trials are smaller than the confidence interval of an AUC with forty
# patients. The best AUC is also optimistic, because it is a maximum: evaluate the chosen model on
# patients who were not part of the search.

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot([trial.value for trial in study.trials], "o", label="trial")
best = [max(trial.value for trial in study.trials[: n + 1]) for n in range(len(study.trials))]
ax.step(range(len(best)), best, where="post", label="best so far")
ax.set(xlabel="trial", ylabel="mean AUC")
ax.legend()

trials = study.trials_dataframe(attrs=("value", "params"))
trials.columns = trials.columns.str.removeprefix("params_")
trials.rename(columns={"value": "AUC"}).nlargest(5, "AUC").round(2)
