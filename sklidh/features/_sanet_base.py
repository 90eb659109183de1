"""What the two SA-Net estimators share: tumour slices in, a trained network out."""

from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from sklidh.images import tumour_slices
from sklidh.nn import SAN
from sklidh.nn._san import BLOCKS
from sklidh.nn._training import choose_device, freeze, thaw, train
from sklidh.utils import CohortError, check_target, is_missing, progress


def cut_slices(cases, *, size, n_slices, label, verbose=0):
    """Cut the tumour slices of every patient whose images are all there.

    Parameters
    ----------
    cases : DataFrame of shape (n_patients, n_modalities + 1)
        Checked columns of images, and ``"mask"``.
    size, n_slices, label
        As in `tumour_slices`.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    images : ndarray of shape (n_images, n_modalities, size, size), float32
        The modalities of one slice are its channels.
    patients : ndarray of int, shape (n_images,)
        The row of `cases` that each image comes from.
    """
    modalities = cases.columns.drop("mask")
    name = f"slices {', '.join(modalities)}"
    images, patients = [np.empty((0, len(modalities), size, size), np.float32)], []
    rows = progress(cases.iterrows(), name, total=len(cases), verbose=verbose)
    for row, (patient, cells) in enumerate(rows):
        if any(is_missing(cells[modality]) for modality in modalities):
            continue
        channels = [
            tumour_slices(
                cells[modality],
                cells["mask"],
                size=size,
                n_slices=n_slices,
                label=label,
                patient=patient,
                modality=modality,
            )
            for modality in modalities
        ]
        images.append(np.stack(channels, 1))
        patients += [row] * len(channels[0])
    return np.concatenate(images), np.array(patients, dtype=int)


def patient_means(values, patients, n_patients):
    """Return the mean over each patient's slices; NaN for a patient without any.

    Parameters
    ----------
    values : ndarray of shape (n_images, n_columns)
    patients : ndarray of int, shape (n_images,)
    n_patients : int

    Returns
    -------
    ndarray of shape (n_patients, n_columns), float64
    """
    total = np.zeros((n_patients, values.shape[1]))
    np.add.at(total, patients, values)
    n_slices = np.bincount(patients, minlength=n_patients)[:, None].astype(float)
    return np.divide(total, n_slices, out=np.full_like(total, np.nan), where=n_slices > 0)


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


class BaseSANet(CallbackSupportMixin, BaseEstimator):
    """Parameters and training of a SA-Net on tumour slices."""

    _parameter_constraints: dict = {
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "architecture": [StrOptions(set(BLOCKS))],
        "size": [Interval(Integral, 16, None, closed="left")],
        "n_slices": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "shuffle": ["boolean"],
        "augment": ["boolean"],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "device": [StrOptions({"auto", "cpu", "cuda"})],
        "missing": [StrOptions({"raise", "nan"})],
        "label": [Integral, "array-like", None],
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
        return cut_slices(
            cases,
            size=self.size,
            n_slices=self.n_slices,
            label=self.label,
            verbose=self.verbose,
        )

    def _train(self, images, targets, *, seed, name, task):
        """Train one network.

        Parameters
        ----------
        images : ndarray of shape (n_images, n_channels, size, size)
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
            SAN,
            images,
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
            in_channels=images.shape[1],
            n_features=self.n_features,
            n_classes=len(self.classes_),
        )
        task.call_on_fit_task_end(estimator=self)
        return net, losses

    def _class_weights(self, targets):
        """Return the weights of the classes in the loss, or None."""
        if self.class_weight is None:
            return None
        return compute_class_weight(
            self.class_weight, classes=self.classes_, y=self.classes_[targets]
        )

    def __getstate__(self):
        # Plain values: what pickle, deepcopy and save_model write is the same, and holds no code.
        return self._with_nets(dict(super().__getstate__()), freeze)

    def __setstate__(self, state):
        # A network that was trained on a GPU answers without one, too.
        device = choose_device("cpu" if state["device"] == "cpu" else "auto")
        super().__setstate__(
            self._with_nets(state, lambda frozen: thaw(SAN, frozen, device=device))
        )

    @staticmethod
    def _with_nets(state, change):
        """Return a fitted estimator's attributes with each network changed."""
        if "net_" in state:
            return state | {"net_": change(state["net_"])}
        if "nets_" in state:
            return state | {"nets_": {name: change(net) for name, net in state["nets_"].items()}}
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags
