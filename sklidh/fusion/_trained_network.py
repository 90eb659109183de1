"""Predict probabilities and codes with a trained fusion network."""

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklidh.fusion._joint_training import as_batch
from sklidh.nn._fusion import FusionNet
from sklidh.nn._threads import OneThread
from sklidh.nn._weights import weights_from_bytes, weights_to_bytes

# The squared projections of larger values overflow.
LARGEST = 1e100


def refuse_huge(X):
    """Raise a ValueError if a value is too large for the network."""
    largest = np.nanmax(np.abs(X), initial=0)
    if largest > LARGEST:
        row, column = np.argwhere(np.abs(X) == largest)[0]
        raise ValueError(
            f"column {column} of X holds {X[row, column]:g} in row {row}; values from "
            f"{-LARGEST:g} to {LARGEST:g} are accepted: correct the value, or drop the row"
        )


def standardise(scaler, X):
    """Standardise columns with a fitted scaler; NaN is replaced by the training mean, 0."""
    refuse_huge(X)
    return np.nan_to_num(scaler.transform(X), copy=False)


# scikit-learn wraps `transform` for `set_output` only in subclasses of TransformerMixin.
class TrainedNetworkMixin(TransformerMixin):
    """Mixin for blockwise classifiers with fitted `scaler_` and `net_`, a `sklidh.nn.FusionNet`.

    It must precede `BlockwiseMixin`, which reads the blocks.
    """

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_classes)
            The columns are in the order of `classes_`.
        """
        return self.predict_proba_members(X).mean(0)

    def predict_proba_members(self, X):
        """Predict class probabilities with each network of the ensemble.

        Their standard deviation shows how far a probability depends on the initial weights and,
        with ``bootstrap=True``, on the resample of the training patients. It is not a confidence
        interval: all networks share the training patients, and can be wrong together.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_members, n_patients, n_classes)
            The mean over the members is `predict_proba`.
        """
        codes, _ = self._run(X)
        return torch.softmax(codes.logits, 1).mT.numpy()

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,)
        """
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

    def transform(self, X):
        """Return the codes that enter the head.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_members * 2 * n_blocks * hidden_dim)
            For each member, the invariant codes of all blocks, then the specific codes.
        """
        codes, present = self._run(X)
        head_input = self.net_.head_input(codes.invariant, codes.specific, present)
        return head_input.flatten(0, 1).T.numpy()

    def get_feature_names_out(self, input_features=None):
        """Return the names of the codes: ``T1__invariant0``, ``T1__specific0_member1``, ...

        Parameters
        ----------
        input_features : None
            Not used, because a code is computed from a whole block.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names = [
            f"{block}__{kind}{feature}"
            for kind in ("invariant", "specific")
            for block in self.blocks_
            for feature in range(self.hidden_dim)
        ]
        later = [f"{name}_member{k}" for k in range(1, self.n_members) for name in names]
        return np.array(names + later, dtype=object)

    def _run(self, X):
        """Return the codes of all members, and the presence mask or None."""
        X, present = self._read_blocks(X)
        n_patients = len(X)
        y, weight = np.zeros(n_patients, dtype=int), np.ones((1, n_patients))
        batch = as_batch(standardise(self.scaler_, X), y, weight, present, self.blocks_)
        with torch.no_grad(), OneThread():
            return self.net_(batch.x, batch.present), batch.present

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "net_" in state:
            net = state["net_"]
            state["net_"] = {
                "widths": net.widths,
                "target": net.target,
                "weights": weights_to_bytes(net),
            }
        return state

    def __setstate__(self, state):
        if "net_" in state:
            frozen = state["net_"]
            weights = weights_from_bytes(frozen["weights"])
            state = state | {
                "net_": FusionNet.from_weights(frozen["widths"], frozen["target"], weights)
            }
        super().__setstate__(state)
