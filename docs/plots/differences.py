"""Effect of each definition of the difference on the codes of simulated patients.

Two blocks measure one shared trait and one trait of their own each; the class depends on all three.
Run as a script, it prints the values of the figure.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from sklidh.fusion import InvariantSpecificFusionClassifier

DIFFERENCES = ["none", "soft_distance", "distance", "xcorr", "cosine", "dot", "misa"]
N_TRAINING, N_COHORTS = 150, 6


def make_cohort(seed, n=2000):
    """Return 2 x 6 columns and the class of n patients."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=(n, 1)), rng.normal(size=(2, n, 1))
    blocks = [np.hstack([shared, part]) @ rng.normal(size=(2, 6)) for part in own]
    X = np.hstack(blocks) + rng.normal(size=(n, 12))
    y = (shared + own[0] - own[1])[:, 0] + rng.normal(size=n) > 0
    return StandardScaler().fit_transform(X), y.astype(int)


def measure(difference, seed):
    """Return the cosine of invariant and specific codes, and the AUC on new patients."""
    X, y = make_cohort(seed)
    train, test = slice(N_TRAINING), slice(N_TRAINING, None)
    settings = {"beta": 0.0} if difference == "none" else {"difference": difference}
    modalities = {"first": range(6), "second": range(6, 12)}
    net = InvariantSpecificFusionClassifier(
        modalities=modalities, n_members=1, random_state=seed, **settings
    )
    net.fit(X[train], y[train])
    invariant, specific = net.transform(X[test]).reshape(-1, 2, 2, 2).transpose(1, 0, 2, 3)
    lengths = np.linalg.norm(invariant, axis=-1) * np.linalg.norm(specific, axis=-1)
    cosine = np.abs((invariant * specific).sum(-1)) / lengths
    return cosine.mean(), roc_auc_score(y[test], net.predict_proba(X[test])[:, 1])


measured = np.array([[measure(name, seed) for seed in range(N_COHORTS)] for name in DIFFERENCES])
for name, (cosine, auc) in zip(DIFFERENCES, measured.mean(1), strict=True):
    print(f"{name:<13} |cosine| {cosine:.3f}   AUC {auc:.3f}")

figure, axes = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained", sharey=True)
titles = ["|cosine| of invariant and specific code", "AUC, 1850 new patients"]
for axis, values, title in zip(axes, measured.transpose(2, 0, 1), titles, strict=True):
    axis.plot(values, DIFFERENCES, "o", color="0.7", markersize=3)
    axis.plot(values.mean(1), DIFFERENCES, "|", color="C0", markersize=14, markeredgewidth=2)
    axis.set_title(title, fontsize="medium")
axes[0].set_xlim(-0.03, 1.03)
axes[0].invert_yaxis()
