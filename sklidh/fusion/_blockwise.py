"""Base class of classifiers that read blocks of columns."""

import numpy as np
import pandas as pd
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.fusion._blocks import block_presence, find_blocks, refuse_empty_columns


class BlockwiseMixin:
    """Mixin for classifiers that read their columns as blocks.

    The classifier has the parameters `modalities`, `groups` and `missing`; `fit` sets `classes_`
    and `blocks_`.
    """

    def block_importance(self, X, y, *, scoring=None, n_repeats=10, random_state=None):
        """Measure how much the score drops when a block is shuffled among the patients.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
            Held-out patients.
        y : array-like of shape (n_patients,)
            Their classes.
        scoring : str or callable, default=None
            A scikit-learn scorer; None uses the AUC (one-vs-rest if there are more than two
            classes).
        n_repeats : int, default=10
            Number of times each block is shuffled.
        random_state : int, RandomState instance or None, default=None
            Random seed of the shuffling.

        Returns
        -------
        DataFrame of shape (n_blocks, 2)
            "mean" and "std" of the drop over the repeats. Index: the blocks.
        """
        check_is_fitted(self)
        default = "roc_auc" if len(self.classes_) == 2 else "roc_auc_ovr"
        scorer = check_scoring(self, scoring or default)
        random_state = check_random_state(random_state)
        X = pd.DataFrame(X)
        # scikit-learn warns about column names if the model was fitted on an array.
        as_given = pd.DataFrame if hasattr(self, "feature_names_in_") else np.asarray
        baseline = scorer(self, as_given(X), y)
        drops = np.empty((len(self.blocks_), n_repeats))
        for block, columns in enumerate(self.blocks_.values()):
            for repeat in range(n_repeats):
                shuffled = X.copy()
                order = random_state.permutation(len(X))
                shuffled.iloc[:, columns] = X.iloc[order, columns].to_numpy()
                drops[block, repeat] = baseline - scorer(self, as_given(shuffled), y)
        return pd.DataFrame(
            {"mean": drops.mean(1), "std": drops.std(1)}, index=pd.Index(self.blocks_, name="block")
        )

    def _fit_blocks(self, X, y):
        """Return X (NaN allowed), y as class numbers, and which patient has which block."""
        patients = getattr(X, "index", None)
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, y = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {self.classes_.tolist()[0]!r}, in {len(y)} patients; at "
                "least two are needed"
            )
        self.blocks_ = find_blocks(
            X.shape[1],
            getattr(self, "feature_names_in_", None),
            modalities=self.modalities,
            groups=self.groups,
            missing=self.missing,
        )
        present = block_presence(X, self.blocks_, missing=self.missing, patients=patients)
        refuse_empty_columns(X, self.blocks_)
        return X, y, present

    def _read_blocks(self, X):
        """Return X (NaN allowed), and which patient has which block."""
        check_is_fitted(self)
        patients = getattr(X, "index", None)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        return X, block_presence(X, self.blocks_, missing=self.missing, patients=patients)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "ignore"
        return tags
