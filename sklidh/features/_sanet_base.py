"""What the two SA-Net estimators share: tumour slices in, a trained network out."""

from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.features._sanet_slices import GradientMap, cut_slices
from sklidh.features._sanet_state import SavedNetworksMixin
from sklidh.images import check_planes
from sklidh.nn import SAN
from sklidh.nn._san import BLOCKS
from sklidh.nn._trained import sensitivity
from sklidh.nn._training import choose_device, train
from sklidh.utils import CohortError, DocumentedMixin, check_target, is_missing, progress


def announced(epochs, task, estimator):
    """Iterate over epochs, telling scikit-learn's callbacks; one of them may ask to stop."""
    for epoch in epochs:
        subtask = task.subcontext(task_name="epoch").call_on_fit_task_begin(estimator=estimator)
        try:
            yield epoch
        finally:
            # Also where the network was stopped from elsewhere, by a callback of skorch.
            stop = subtask.call_on_fit_task_end(estimator=estimator)
        if stop:
            return


class BaseSANet(DocumentedMixin, SavedNetworksMixin, CallbackSupportMixin, BaseEstimator):
    """Parameters and training of SA-Nets on tumour slices.

    An estimator has `_module`, the networks' class; `_checked`, which checks a table; and
    `_readers`, the networks by the modalities that they see.
    """

    _module = SAN

    _parameter_constraints: dict = {
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "architecture": [StrOptions(set(BLOCKS))],
        "size": [Interval(Integral, 16, None, closed="left")],
        "n_slices": [Interval(Integral, 1, None, closed="left")],
        "planes": ["array-like"],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "shuffle": ["boolean"],
        "augment": ["boolean"],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "device": [str],
        "missing": [StrOptions({"raise", "nan"})],
        "label": [Integral, str, "array-like", None],
        "callbacks": [list, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _check(self, X, y, cases):
        """Check everything that can be checked before heavy work; set what fit learns at once.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            As given to fit.
        y : array-like of shape (n_patients,)
        cases : DataFrame of shape (n_patients, n_modalities + 1)
            The checked columns of X; the last is the mask.

        Returns
        -------
        ndarray of int, shape (n_patients,)
            Places of the labels in `classes_`.
        """
        y = check_target(y, X)
        choose_device(self.device)
        check_planes(self.planes)
        validate_data(self, X, reset=True, skip_check_array=True)
        self.classes_, targets = np.unique(y, return_inverse=True)
        for modality in cases.columns.drop("mask"):
            seen = np.unique(targets[[not is_missing(cell) for cell in cases[modality]]])
            if len(seen) < len(self.classes_):
                absent = np.delete(self.classes_, seen).tolist()
                raise CohortError(
                    [f"column {modality!r}: no patient of class {absent} has an image to train on"]
                )
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return targets

    @contextmanager
    def _announced_fit(self, X, y, n_networks):
        """Tell scikit-learn's callbacks of a fit, and give each network a task of its own."""
        root = self._init_callback_context(max_subtasks=n_networks)
        root.call_on_fit_task_begin(estimator=self, X=X, y=y)
        yield (
            root.subcontext(task_name="network", max_subtasks=self.max_epochs)
            for _ in range(n_networks)
        )
        root.call_on_fit_task_end(estimator=self, X=X, y=y)

    def _cut(self, cases):
        """Return slices and the row of each one's patient, as `cut_slices`."""
        return self._cut_with_masks(cases)[:2]

    def _cut_with_masks(self, cases):
        return cut_slices(
            cases,
            size=self.size,
            n_slices=self.n_slices,
            planes=self.planes,
            label=self.label,
            verbose=self.verbose,
        )

    def _train(self, inputs, targets, *, seed, name, task):
        """Train one network.

        Parameters
        ----------
        inputs : ndarray of shape (n_images, n_channels, size, size)
            Or a tuple of images and columns, (n_images, n_columns).
        targets : ndarray of int, shape (n_images,)
            Places in `classes_`.
        seed : int
        name : str
            Stands before the progress bar.
        task : sklearn.callback.CallbackContext
            The network's; each epoch becomes a part of it.

        Returns
        -------
        net : skorch.NeuralNetClassifier
        losses : ndarray of shape (n_epochs,)
        """
        task.call_on_fit_task_begin(estimator=self)
        bar = progress(range(self.max_epochs), name, verbose=self.verbose)
        net, losses = train(
            self._module,
            inputs,
            targets,
            epochs=announced(bar, task, self),
            lr=self.lr,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            augment=self.augment,
            class_weight=self._class_weights(targets),
            device=choose_device(self.device),
            callbacks=self.callbacks or (),
            seed=seed,
            architecture=self.architecture,
            n_features=self.n_features,
            n_classes=len(self.classes_),
            **self._module_parameters(inputs),
        )
        task.call_on_fit_task_end(estimator=self)
        return net, losses

    def _inputs(self, X, images, patients):
        """Return what a network takes: the images, of whatever patients."""
        return images

    def _module_parameters(self, inputs):
        """Return what else the module is made with."""
        return {"in_channels": inputs.shape[1]}

    def _class_weights(self, targets):
        """Return the weights of the classes in the loss, or None."""
        if self.class_weight is None:
            return None
        return compute_class_weight(
            self.class_weight, classes=self.classes_, y=self.classes_[targets]
        )

    def gradient_maps(self, X):
        """Return where the networks looked: the pixels that their verdict hangs on.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        dict of patient to dict of modality to GradientMap
            A modality that the patient lacks is absent.
        """
        check_is_fitted(self)
        cases = self._checked(X)
        found = {patient: {} for patient in X.index}
        for modalities, net in self._readers():
            images, patients, masks = self._cut_with_masks(cases[[*modalities, "mask"]])
            if not len(images):
                continue
            inputs = self._inputs(X, images, patients)
            maps = sensitivity(net, inputs)
            for row in np.unique(patients):
                own = patients == row
                for channel, modality in enumerate(modalities):
                    found[X.index[row]][modality] = GradientMap(
                        images[own, channel], masks[own], maps[own, channel]
                    )
        return found

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags
