"""The terms of the loss over the epochs, with the package's and the paper's settings."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

from sklidh.fusion import InvariantSpecificFusionClassifier

X, y = load_breast_cancer(return_X_y=True)
X, modalities = scale(X), {"mean": range(10), "error": range(10, 20), "worst": range(20, 30)}
settings = {
    "default": {},
    "warm_up=0": {"warm_up": 0},
    "batch_size=16, lr=1e-4": {
        "batch_size": 16,
        "lr": 1e-4,
        "lr_schedule": "constant",
        "warm_up": 0,
    },
}
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained", sharey=True)
for axis, (title, chosen) in zip(axes, settings.items(), strict=True):
    net = InvariantSpecificFusionClassifier(modalities=modalities, random_state=0, **chosen)
    for term, curve in net.fit(X[::3], y[::3]).loss_curve_.items():
        axis.semilogy(curve, label=term, color="k" if term == "total" else None, lw=1)
    axis.set(title=title, xlabel="epoch", ylim=(1e-3, 30))
axes[0].legend(fontsize="x-small")
