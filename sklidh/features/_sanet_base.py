"""Base class of the two SA-Net estimators: networks trained on tumour slices."""

from contextlib import closing, contextmanager
from copy import deepcopy
from numbers import Integral, Real

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.callbacks import Callback, EarlyStopping

from sklidh.features._sanet_slices import GradientMap, cut_slices
from sklidh.features._sanet_state import SavedNetworksMixin
from sklidh.images import check_planes
from sklidh.nn import SAN
from sklidh.nn._device import choose_device
from sklidh.nn._san import BLOCKS
from sklidh.nn._trained import predict, sensitivity
from sklidh.nn._training import train
from sklidh.utils import CohortError, DocumentedMixin, check_target, is_missing, progress


def mean_probabilities(nets, inputs):
    """Return probabilities (n_images, n_classes) averaged over networks."""
    logits = np.stack([predict(net, inputs).astype(np.float64) for net in nets])
    return softmax(logits, axis=2).mean(0)


def _rows(inputs, rows):
    """Return some images, with their feature columns if there are any."""
    return tuple(each[rows] for each in inputs) if isinstance(inputs, tuple) else inputs[rows]


class EpochTasks(Callback):
    """Report each epoch to a progress bar and to scikit-learn's callbacks, which may stop training.

    Parameters
    ----------
    bar : generator
        Progress bar, advanced once per epoch.
    task : sklearn.callback.CallbackContext
        Task of the network; each epoch is a subtask.
    estimator : estimator
    """

    def __init__(self, bar, task, estimator):
        self.bar, self.task, self.estimator = bar, task, estimator

    def on_epoch_begin(self, net, **_):
        """Start the task of an epoch."""
        next(self.bar)
        epoch = self.task.subcontext(task_name="epoch")
        self.epoch = epoch.call_on_fit_task_begin(estimator=self.estimator)

    def on_epoch_end(self, net, **_):
        """End the task of an epoch; stop training if a scikit-learn callback requests it."""
        if self._end():
            raise KeyboardInterrupt  # how skorch callbacks stop training

    def on_train_end(self, net, **_):
        """Close the bar, and end the task of an epoch that another callback interrupted."""
        next(self.bar, None)
        self._end()

    def _end(self):
        epoch, self.epoch = self.epoch, None
        return epoch is not None and epoch.call_on_fit_task_end(estimator=self.estimator)


class BaseSANet(DocumentedMixin, SavedNetworksMixin, CallbackSupportMixin, BaseEstimator):
    """Parameters and training of SA-Nets on tumour slices.

    Subclasses define `_module`, the class of the networks; `_checked`, which checks a table; and
    `_readers`, which returns the modalities and their networks.
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
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "missing": [StrOptions({"raise", "nan"})],
        "label": [Integral, str, "array-like", None],
        "callbacks": [list, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _check(self, X, y, cases):
        """Check the input before expensive work, and set the attributes that are known at once.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            As passed to fit.
        y : array-like of shape (n_patients,)
        cases : DataFrame of shape (n_patients, n_modalities + 1)
            The checked columns of X; the last is the mask.

        Returns
        -------
        ndarray of int, shape (n_patients,)
            Positions of the labels in `classes_`.
        """
        y = check_target(y, X)
        choose_device(self.device)
        check_planes(self.planes)
        self._check_callbacks()
        validate_data(self, X, reset=True, skip_check_array=True)
        self.classes_, targets = np.unique(y, return_inverse=True)
        for modality in cases.columns.drop("mask"):
            seen = np.unique(targets[[not is_missing(cell) for cell in cases[modality]]])
            if len(seen) < len(self.classes_):
                absent = np.delete(self.classes_, seen).tolist()
                raise CohortError(
                    [f"column {modality!r}: no training patient of class {absent} has an image"]
                )
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return targets

    def _check_callbacks(self):
        """Raise if callbacks need held-out patients but `validation_fraction` is None."""
        for each in self.callbacks or () if self.validation_fraction is None else ():
            callback = each[1] if isinstance(each, tuple) else each
            monitor = getattr(callback, "monitor", None)
            if isinstance(monitor, str) and monitor.startswith("valid_"):
                raise ValueError(
                    f"callbacks: {type(callback).__name__} monitors {monitor!r}, which needs "
                    "held-out patients; set validation_fraction, or monitor 'train_loss'"
                )
            if getattr(callback, "on_train", True) is False:
                raise ValueError(
                    f"callbacks: {type(callback).__name__} scores held-out patients; set "
                    "validation_fraction, or on_train=True"
                )

    @contextmanager
    def _fit_tasks(self, X, y, n_networks):
        """Report a fit to scikit-learn's callbacks, and yield one task per network."""
        root = self._init_callback_context(max_subtasks=n_networks)
        root.call_on_fit_task_begin(estimator=self, X=X, y=y)
        yield (
            root.subcontext(task_name="network", max_subtasks=self.max_epochs)
            for _ in range(n_networks)
        )
        root.call_on_fit_task_end(estimator=self, X=X, y=y)

    def _cut(self, cases):
        """Return slices and the patient's row of each slice, as `cut_slices` does."""
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

    def _train(self, inputs, patients, targets, *, seed, name, task):
        """Train one network, and store its learning curves in `history_`.

        Parameters
        ----------
        inputs : ndarray of shape (n_images, n_channels, size, size)
            Images, or a tuple of images and columns (n_images, n_columns).
        patients : ndarray of int, shape (n_images,)
            The patient's row of each image.
        targets : ndarray of int, shape (n_patients,)
            Positions in `classes_`.
        seed : int
        name : str
            Name of the network in `history_` and in the progress bar.
        task : sklearn.callback.CallbackContext
            Task of the network.

        Returns
        -------
        skorch.NeuralNetClassifier
        """
        validation, callbacks = None, deepcopy(self.callbacks or [])
        if self.validation_fraction is not None:
            held_out = self._validation_images(patients, targets, seed)
            validation = _rows(inputs, held_out), targets[patients[held_out]]
            inputs, patients = _rows(inputs, ~held_out), patients[~held_out]
            patience = {"patience": self.n_iter_no_change, "threshold": 0}
            callbacks.append(EarlyStopping("valid_loss", **patience, load_best=True))
        labels = targets[patients]
        title = f"SA-Net {name}"
        task.call_on_fit_task_begin(estimator=self)
        with closing(
            progress(range(self.max_epochs), title, unit="epoch", verbose=self.verbose)
        ) as bar:
            net, self.history_[name] = train(
                self._module,
                inputs,
                labels,
                max_epochs=self.max_epochs,
                lr=self.lr,
                batch_size=self.batch_size,
                shuffle=self.shuffle,
                augment=self.augment,
                class_weight=self._class_weights(labels),
                validation=validation,
                device=choose_device(self.device),
                callbacks=[*callbacks, EpochTasks(bar, task, self)],
                seed=seed,
                architecture=self.architecture,
                n_features=self.n_features,
                n_classes=len(self.classes_),
                **self._module_parameters(inputs),
            )
        task.call_on_fit_task_end(estimator=self)
        return net

    def _validation_images(self, patients, targets, seed):
        """Return which images are held out: all images of some patients of each class."""
        everyone = np.unique(patients)
        try:
            _, held_out = train_test_split(
                everyone,
                test_size=self.validation_fraction,
                stratify=targets[everyone],
                random_state=seed,
            )
        except ValueError as error:
            raise CohortError(
                [
                    f"validation_fraction={self.validation_fraction} of {len(everyone)} patients: "
                    f"{error}; choose another fraction, or None"
                ]
            ) from error
        return np.isin(patients, held_out)

    def _members(self, name):
        """Return the names of the networks of an ensemble."""
        if self.n_members == 1:
            return [name]
        return [f"{name}, member {i} of {self.n_members}" for i in range(1, self.n_members + 1)]

    def _inputs(self, X, images, patients):
        """Return the input of a network, by default the images."""
        return images

    def _module_parameters(self, inputs):
        """Return further parameters of the module's constructor."""
        return {"in_channels": inputs.shape[1]}

    def _class_weights(self, targets):
        """Return the weights of the classes in the loss, or None."""
        if self.class_weight is None:
            return None
        return compute_class_weight(
            self.class_weight, classes=self.classes_, y=self.classes_[targets]
        )

    def gradient_maps(self, X):
        """Return saliency maps: the pixels that most influence the prediction.

        Maps are averaged over the members of an ensemble.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        dict of patient to dict of modality to GradientMap
            Modalities that the patient lacks are left out.
        """
        check_is_fitted(self)
        cases = self._checked(X)
        found = {patient: {} for patient in X.index}
        for modalities, nets in self._readers():
            images, patients, masks = self._cut_with_masks(cases[[*modalities, "mask"]])
            if not len(images):
                continue
            inputs = self._inputs(X, images, patients)
            maps = np.mean([sensitivity(net, inputs) for net in nets], axis=0)
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
