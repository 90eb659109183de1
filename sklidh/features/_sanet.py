"""Deep features of the tumour from a self-attention network trained on the labels."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.features._sanet_base import BaseSANet, mean_probabilities
from sklidh.features._sanet_slices import patient_means
from sklidh.nn._trained import predict
from sklidh.utils import check_image_and_mask, is_missing, stratified_folds


class SANetFeaturizer(TransformerMixin, BaseSANet):
    """Deep features of one modality from a self-attention network on tumour slices.

    The network is trained to classify the tumour slices of the training patients. The features of a
    patient are the values of its last layer before the classifier, as in the paper, or its
    predicted probabilities.

    .. note::
        With ``train_features="out_of_fold"``, ``fit(X, y).transform(X)`` does not equal
        ``fit_transform(X, y)``. A pipeline calls `fit_transform` on its training patients.

    Parameters
    ----------
    n_features : int, default=128
        Width of the layer before the classifier.
    architecture : {"san10", "san15", "san19"}, default="san10"
        Depth of the network with pairwise attention.
    size : int, default=72
        Side of the tumour slices in pixels.
    n_slices : int, default=1
        Maximum number of slices per patient and plane, those with the largest tumour area. Each
        slice is a training image; a patient's features are the mean over the slices.
    planes : sequence of {"axial", "coronal", "sagittal"}, default=("axial",)
        Planes in which slices are cut.
    max_epochs : int, default=8
        Number of passes over the training slices. The paper does not state it; more passes do not
        increase the out-of-fold AUC and make the probabilities overconfident.
    lr : float, default=1e-4
        Learning rate of Adam, which minimises the cross-entropy.
    batch_size : int, default=16
        Number of slices per step. A last batch of a single slice is merged with the batch before
        it.
    shuffle : bool, default=False
        Whether to shuffle the slices in each epoch. The paper keeps the order of the table.
    augment : bool, default=False
        Whether to rotate and mirror the slices at random during training (the eight symmetries of
        the square).
    class_weight : "balanced", dict or None, default=None
        Weights of the classes in the loss.
    n_members : int, default=1
        Number of networks trained on the same patients from different initial weights. Their layer
        values are concatenated, `n_features` columns each; probabilities are averaged.
    validation_fraction : float, default=None
        Fraction of the training patients held out for validation, drawn for each network. Their
        loss is recorded after every epoch; training stops when it has not decreased for
        `n_iter_no_change` epochs, and the weights of the best epoch are kept. None trains on all
        patients.
    n_iter_no_change : int, default=5
        Number of epochs to wait for a lower validation loss.
    train_features : {"in_sample", "out_of_fold"}, default="in_sample"
        How the features of the training patients are computed. "in_sample", as in the paper: in the
        same way as for other patients, from the `n_features` values of the layer. Because the
        network has seen the labels of these patients, later steps rely on the features too much.
        "out_of_fold": by a network that was trained without these patients. The features of all
        patients are then the probabilities of every class except the first, a single column for two
        classes. See Notes.
    cv : int, default=5
        Number of folds of "out_of_fold", stratified and in the order of the table. If a class has
        fewer patients, fewer folds are used, with a warning.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1", "mps", or "auto", which uses a GPU if available. Devices round
        differently, so the trained network and its predictions may differ between devices.
    missing : {"raise", "nan"}, default="raise"
        With "nan", patients with an empty image cell are left out of training and get a row of NaN.
    label : int or sequence of int, default=None
        Mask labels that mark the tumour; None means every label above 0.
    callbacks : list of skorch callbacks, default=None
        Callbacks, copied for each network. Callbacks that need held-out patients, such as
        ``EpochScoring`` or ``EarlyStopping("valid_loss")``, require `validation_fraction`;
        ``"train_loss"`` can always be monitored.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order and the augmentation.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    nets_ : dict of str to skorch.NeuralNetClassifier
        The network trained on all patients, with the modality as key (``nets_["FLAIR"]``), or the
        networks of an ensemble (``"FLAIR, member 1 of 5"``); ``.module_`` is a `sklidh.nn.SAN`.
    history_ : dict of str to dict of str to ndarray of shape (n_epochs,)
        Learning curves of every trained network, including those of the folds: ``"train_loss"``,
        the mean loss over the steps of an epoch; with `validation_fraction` also ``"valid_loss"``
        and ``"valid_acc"``; and values that callbacks record.
    n_features_in_ : int
        2.
    feature_names_in_ : ndarray of shape (2,)

    Notes
    -----
    "out_of_fold" works like stacking in scikit-learn: for each fold, `fit_transform` trains a
    network on the other folds and computes the probabilities of the patients in the fold. One more
    network is trained on all patients; it is used for new patients and is the only one that is
    kept. The features of every patient, training or new, thus come from a single network that has
    not seen the patient's label. (For new patients, the mean of the folds' networks would vary
    less, and would therefore not be comparable.) Layer values cannot be used in this way:
    separately trained networks represent what they learn along different axes, even from the same
    initial weights, whereas a probability has the same meaning in all networks.

    Once the weights are final, the averages of batch normalisation are recomputed over all training
    slices with equal weight. The running averages lag behind the weights; in a small cohort,
    features after a few epochs would otherwise come from a clearly different network.

    Up to rounding, a patient's features do not depend on the other patients in the table: features
    computed for a batch and one by one agree within 1e-5 of their largest value. On a CPU, the same
    seed gives bit-identical results, also when several networks are trained in parallel. Each
    network uses one thread, so let `per_modality` train the modalities in parallel (``n_jobs``).
    For scikit-learn's callbacks, each network and each of its epochs is a task.

    References
    ----------
    Shi et al. 2023, sections II.C, III.A and III.B, Fig. 3 and 4.

    Examples
    --------
    >>> import numpy as np, pandas as pd, SimpleITK as sitk
    >>> from sklidh.features import SANetFeaturizer
    >>> def patient(seed, tumour_signal):
    ...     voxels = np.random.default_rng(seed).normal(100, 10, (3, 24, 24))
    ...     mask = np.zeros(voxels.shape, np.uint8)
    ...     mask[1, 8:16, 8:16] = 1
    ...     voxels[mask == 1] += tumour_signal
    ...     return sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(mask)
    >>> cases = [patient(seed, 40 * (seed % 2)) for seed in range(8)]
    >>> X = pd.DataFrame(cases, columns=["FLAIR", "mask"], index=list("ABCDEFGH"))
    >>> featurizer = SANetFeaturizer(4, size=16, max_epochs=2, random_state=0)
    >>> featurizer.fit_transform(X, [0, 1] * 4).shape
    (8, 4)
    """

    _parameter_constraints: dict = {
        **BaseSANet._parameter_constraints,
        "train_features": [StrOptions({"in_sample", "out_of_fold"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        n_features=128,
        *,
        architecture="san10",
        size=72,
        n_slices=1,
        planes=("axial",),
        max_epochs=8,
        lr=1e-4,
        batch_size=16,
        shuffle=False,
        augment=False,
        class_weight=None,
        n_members=1,
        validation_fraction=None,
        n_iter_no_change=5,
        train_features="in_sample",
        cv=5,
        device="auto",
        missing="raise",
        label=None,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.n_features = n_features
        self.architecture = architecture
        self.size = size
        self.n_slices = n_slices
        self.planes = planes
        self.max_epochs = max_epochs
        self.lr = lr
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.class_weight = class_weight
        self.n_members = n_members
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.train_features = train_features
        self.cv = cv
        self.device = device
        self.missing = missing
        self.label = label
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the network.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)
            One modality and the mask, as paths or images in memory. Index: patient ids.
        y : array-like of shape (n_patients,)
            IDH status, any two or more labels.

        Returns
        -------
        SANetFeaturizer
            Itself.
        """
        self._train_and_describe(X, y, n_folds=0)
        return self

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y):
        """Train the network and return the features of the training patients.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)
        y : array-like of shape (n_patients,)

        Returns
        -------
        DataFrame of shape (n_patients, n_features * n_members) or (n_patients, n_classes - 1)
            See `train_features`. The index is that of X.
        """
        n_folds = self.cv if self.train_features == "out_of_fold" else 0
        return self._train_and_describe(X, y, n_folds)

    def transform(self, X):
        """Return the features of patients.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)

        Returns
        -------
        DataFrame of shape (n_patients, n_features * n_members) or (n_patients, n_classes - 1)
            The index is that of X; patients with a missing image get a row of NaN.
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        images, patients = self._cut(check_image_and_mask(X, missing=self.missing))
        return self._table(self._describe(self.nets_, images), patients, X.index)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored, present for scikit-learn's API.

        Returns
        -------
        ndarray of str, shape (n_features * n_members,) or (n_classes - 1,)
            ``sanet000``, ``sanet001``, ...; with ``train_features="out_of_fold"``
            ``sanet_probability``, or one such name for every class except the first.
        """
        if self.train_features == "in_sample":
            n_columns = self.n_features * self.n_members
            digits = max(3, len(str(n_columns - 1)))
            names = [f"sanet{i:0{digits}}" for i in range(n_columns)]
        else:
            check_is_fitted(self)
            names = ["sanet_probability"]
            if len(self.classes_) > 2:
                names = [f"sanet_probability_{label}" for label in self.classes_[1:]]
        return np.array(names, dtype=object)

    def _train_and_describe(self, X, y, n_folds):
        """Train the network and, if needed, one per fold; return the training features."""
        cases = check_image_and_mask(X, missing=self.missing)
        targets = self._check(X, y, cases)
        held_out = self._fold_rows(cases, targets, n_folds) if n_folds else []
        self.history_ = {}
        n_networks = self.n_members * (1 + len(held_out))
        with self._fit_tasks(X, y, n_networks) as tasks:
            images, patients = self._cut(cases)

            def train_networks(rows, name):
                return {
                    member: self._train(
                        images[rows],
                        patients[rows],
                        targets,
                        seed=self._seed + number,
                        name=member,
                        task=next(tasks),
                    )
                    for number, member in enumerate(self._members(name))
                }

            modality = X.columns[0]
            self.nets_ = train_networks(slice(None), modality)
            features = self._describe(self.nets_, images)
            for number, rows in enumerate(held_out, start=1):
                unseen = np.isin(patients, rows)
                nets = train_networks(~unseen, f"{modality}, fold {number} of {len(held_out)}")
                features[unseen] = self._describe(nets, images[unseen])
        return self._table(features, patients, X.index)

    def _fold_rows(self, cases, targets, n_folds):
        """Return the rows of each fold; patients without an image are in no fold."""
        rows = np.flatnonzero(~cases.iloc[:, 0].map(is_missing))
        folds = stratified_folds(n_folds, self.classes_, targets[rows], who="SANetFeaturizer")
        return [rows[test] for _, test in folds.split(rows, targets[rows])]

    def _describe(self, nets, images):
        """Return the layer values or the predicted probabilities of images."""
        if self.train_features == "in_sample":
            return np.hstack([predict(net, images, "features") for net in nets.values()])
        return mean_probabilities(nets.values(), images)[:, 1:]

    def _table(self, features, patients, index):
        means = patient_means(features, patients, len(index))
        return pd.DataFrame(means, index=index, columns=self.get_feature_names_out())

    def _checked(self, X):
        return check_image_and_mask(X, missing=self.missing)

    def _readers(self):
        """Return a list with the modality and its networks."""
        return [([self.feature_names_in_[0]], list(self.nets_.values()))]
