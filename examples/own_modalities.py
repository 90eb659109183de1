"""
Your own modalities
===================

The fusion is not limited to MR images: it accepts any views of the same objects, here halves of
digits.
"""

# %%
# Two views
# ---------
# scikit-learn's digits are images of 8 x 8 pixels. One view is the left half, the other the right
# half, with 32 columns each. The part of a column name before ``__`` is the view.

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh import InvariantSpecificFusionClassifier
from sklidh.plotting import BlockImportanceDisplay, LossCurveDisplay

digits = load_digits()
names = [
    f"{'left' if column < 4 else 'right'}__row{row}_column{column}"
    for row in range(8)
    for column in range(8)
]
X = pd.DataFrame(digits.data, columns=names)
X_train, X_test, y_train, y_test = train_test_split(
    X, digits.target, stratify=digits.target, random_state=0
)

figure, axes = plt.subplots(2, 5, figsize=(7, 2.6), layout="constrained")
figure.get_layout_engine().set(wspace=0.15)
for ax, digit in zip(axes.flat, digits.images, strict=False):
    for colours, edge, half in (("Blues", 0, digit[:, :4]), ("Reds", 5, digit[:, 4:])):
        ax.imshow(half, cmap=colours, vmin=0, vmax=16, extent=(edge, edge + 4, 8, 0))
    ax.set(xlim=(0, 9), ylim=(8, 0))
    ax.set_axis_off()

# %%
# One view, and both
# ------------------
# More than two classes work without changes. The paper's codes of two numbers are meant for two
# classes; for ten classes, wider codes are used.


def fusion(modalities):
    scaler = StandardScaler().set_output(transform="pandas")
    classifier = InvariantSpecificFusionClassifier(
        modalities=modalities, projection_dim=32, hidden_dim=16, random_state=0
    )
    return make_pipeline(scaler, classifier)


accuracy = {}
for modalities in (["left"], ["right"], ["left", "right"]):
    model = fusion(modalities).fit(X_train, y_train)
    accuracy[" and ".join(modalities)] = model.score(X_test, y_test)
pd.Series(accuracy, name="accuracy").round(3).to_frame()

# %%
# The loss curves of the last model, and the drop of its AUC when one view is shuffled among the
# digits:

LossCurveDisplay.from_estimator(model[-1])

# %%
BlockImportanceDisplay.from_estimator(model, X_test, y_test, n_repeats=5)
