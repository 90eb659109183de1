"""
SHAP and captum
===============

Contributions of features to one prediction, computed with two general-purpose libraries.
"""

# %%
# The model
# ---------
# Radiomics of two sequences; the selected features enter the fusion.

from tempfile import TemporaryDirectory

import pandas as pd
import shap
import torch
from captum.attr import IntegratedGradients
from scipy.special import logit
from sklearn.model_selection import train_test_split
from torch.nn.utils.rnn import pad_sequence

from sklidh import RadiomicsExtractor, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms

folder = TemporaryDirectory()
X, y = make_glioma_phantoms(folder.name, n_patients=40, size=32, spacing=2.0, misalignment=(0, 0))
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
pipeline = make_idh_pipeline(
    ["T1CE", "FLAIR"],
    reference=None,
    radiomics=RadiomicsExtractor("paper"),
    deep=None,
    random_state=0,
).fit(X_train, y_train)
select, fusion = pipeline[:-1], pipeline[-1]
train, test = select.transform(X_train), select.transform(X_test)
patient = test.index[pipeline.predict_proba(X_test)[:, 1].argmax()]

# %%
# SHAP
# ----
# SHAP explains any prediction function. A value is the contribution of a feature to the log odds of
# a mutation, averaged over the orders in which features become known; unknown features are drawn
# from the training patients.


def log_odds(table):
    probability = fusion.predict_proba(pd.DataFrame(table, columns=train.columns))
    return logit(probability[:, 1])


explainer = shap.KernelExplainer(log_odds, train.to_numpy(), seed=0)
values = explainer.shap_values(test.loc[[patient]].to_numpy(), l1_reg=False, silent=True)

# %%
# captum
# ------
# The fusion network is a torch module. Integrated gradients integrate its derivative from the mean
# training patient to this patient. The input is a tensor (blocks, columns, patients) of
# standardised columns, with narrow blocks padded with zeros.


def network(columns):
    blocks = [columns[:, block].T for block in fusion.blocks_.values()]
    logits = fusion.net_(pad_sequence(blocks, batch_first=True)).logits
    return (logits[:, 1] - logits[:, 0]).mean(0)


def as_tensor(table):
    return torch.tensor(fusion.scaler_.transform(table))


gradients = IntegratedGradients(network).attribute(
    as_tensor(test.loc[[patient]]), as_tensor(train.mean().to_frame().T)
)

# %%
# Comparison
# ----------
# The contributions sum to the patient's log odds minus those of the baseline: for SHAP the mean
# over the training patients, for captum the prediction for their mean.

shares = pd.DataFrame({"SHAP": values[0], "captum": gradients[0].numpy()}, index=train.columns)
largest = shares.abs().sum(axis=1).nlargest(10).index[::-1]
ax = shares.loc[largest].plot.barh(figsize=(8, 4), xlabel=f"contribution to log odds of {patient}")
ax.set_yticklabels(largest.str.replace("__radiomics__", ": "))
ax.axvline(0, color="black", linewidth=0.8)
ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
ax.figure.tight_layout()
