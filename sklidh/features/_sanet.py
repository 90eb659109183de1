"""Deep features of the tumour, from a self-attention network trained with the labels."""

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
    """Deep features of one modality, from a self-attention network on its tumour slices.

    The network learns to classify the tumour slices of the training patients. It then describes
    any patient: by its last layer before the classifier, as in the paper, or by the probabilities
    that it gives.

    .. note::
        With ``train_features="out_of_fold"``, ``fit(X, y).transform(X)`` does not equal
        ``fit_transform(X, y)``. A pipeline calls the latter on its training patients.

    Parameters
    ----------
    n_features : int, default=128
        Width of the layer before the classifier.
    architecture : {"san10", "san15", "san19"}, default="san10"
        Depth of the network, pairwise attention.
    size : int, default=72
        Side of the tumour slices in pixels.
    n_slices : int, default=1
        Slices per patient and plane, at most: those with the largest tumour area. Each is an image
        to train on; a patient's features are the mean over the slices.
    planes : sequence of {"axial", "coronal", "sagittal"}, default=("axial",)
        The planes to cut slices in.
    max_epochs : int, default=8
        Passes over the training slices. The paper does not give its number; out of fold, more
        passes gain no AUC and make the probabilities overconfident.
    lr : float, default=1e-4
        Step of Adam on the cross-entropy.
    batch_size : int, default=16
        Slices per step. A last batch of a single slice joins the one before it.
    shuffle : bool, default=False
        Draw the order of the slices anew each epoch. The paper keeps the order of the table.
    augment : bool, default=False
        Turn and mirror the slices at random while training (the square's eight symmetries).
    class_weight : "balanced", dict or None, default=None
        Weights of the classes in the loss.
    n_members : int, default=1
        Networks trained on the same patients from different first weights. The layers' values
        stand side by side, `n_features` columns each; probabilities are averaged.
    validation_fraction : float, default=None
        Fraction of the training patients that take no step, drawn for each network. Their loss is
        recorded after every epoch, training stops when it has not fallen for `n_iter_no_change`
        epochs, and the network ends with the weights of its best epoch. None trains on everybody.
    n_iter_no_change : int, default=5
        Epochs to wait for a lower validation loss.
    train_features : {"in_sample", "out_of_fold"}, default="in_sample"
        How the patients that the network was trained on are described. "in_sample", as in the
        paper: as everyone else, by the `n_features` values of the layer. The network has seen
        their labels, so whatever learns from these values trusts them too much. "out_of_fold": by
        a network that was trained without them; patients are then described by the probability of
        each class but the first, a single column for two classes. See Notes.
    cv : int, default=5
        Number of folds of "out_of_fold": stratified, in the order of the table; fewer, with a
        warning, where a class has fewer patients.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1", "mps", or "auto": a GPU where there is one. Another device rounds
        differently, so the trained network, and its answers, may differ.
    missing : {"raise", "nan"}, default="raise"
        With "nan", a patient whose image cell is empty is left out of training and gets a row of
        NaN.
    label : int or sequence of int, default=None
        The mask's labels that are tumour; None means every label above 0.
    callbacks : list of skorch callbacks, default=None
        Copied for each network. Those that need held-out patients, such as ``EpochScoring`` or
        ``EarlyStopping("valid_loss")``, need `validation_fraction`; ``"train_loss"`` can always be
        monitored.
    random_state : int, RandomState instance or None, default=None
        Seeds the first weights, the order and the augmentation.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    nets_ : dict of str to skorch.NeuralNetClassifier
        The network trained on all patients, by the modality, as ``nets_["FLAIR"]``, or the networks
        of an ensemble, ``"FLAIR, member 1 of 5"``; ``.module_`` is a `sklidh.nn.SAN`.
    history_ : dict of str to dict of str to ndarray of shape (n_epochs,)
        Learning curves of every trained network, also of those of a fold: ``"train_loss"``, the
        mean loss of an epoch's steps; with `validation_fraction` ``"valid_loss"`` and
        ``"valid_acc"``; and what callbacks record.
    n_features_in_ : int
        2.
    feature_names_in_ : ndarray of shape (2,)

    Notes
    -----
    "out_of_fold" is scikit-learn's stacking: `fit_transform` trains one network per fold, on the
    patients of the other folds, to compute the probabilities of the patients in the fold. One more
    network, trained on all patients, describes everyone else and is the only one that is kept. So
    every patient, of the training table or new, is described by a single network that has not seen
    their label; the mean of the folds' networks would vary less. The layer's values cannot be used
    in this way: networks that are trained separately lay out what they have learned along other
    axes, even from the same first weights; a probability means the same in all of them.

    Once the weights are final, the averages of the batch normalisations are computed over the
    training slices, each of which counts alike. Those kept while training trail behind the weights,
    in a small cohort so far that the features after a few epochs would be those of another network.

    A patient's features do not depend on who else is in the table, up to rounding: features of a
    batch and of its patients one by one agree within 1e-5 of their largest value. On a CPU the
    same seed gives the same bits, also where several networks are trained at the same time; each
    takes one thread, so let `per_modality` train the modalities in parallel (``n_jobs``).
    scikit-learn's callbacks see each network, and each of its epochs, as a task.

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
            One modality and the mask: paths or images in memory. Index: patient ids.
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
        """Train the network and return the features of the patients it was trained on.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)
        y : array-like of shape (n_patients,)

        Returns
        -------
        DataFrame of shape (n_patients, n_features * n_members) or (n_patients, n_classes - 1)
            See `train_features`. Index: that of X.
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
            Index: that of X; a row of NaN where an image is missing.
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
            Ignored; here for scikit-learn.

        Returns
        -------
        ndarray of str, shape (n_features * n_members,) or (n_classes - 1,)
            ``sanet000``, ``sanet001``, ...; with ``train_features="out_of_fold"``
            ``sanet_probability``, or one such name per class but the first.
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
        """Train the network, and one without each fold; return the training patients' features."""
        cases = check_image_and_mask(X, missing=self.missing)
        targets = self._check(X, y, cases)
        held_out = self._deal(cases, targets, n_folds) if n_folds else []
        self.history_ = {}
        n_networks = self.n_members * (1 + len(held_out))
        with self._announced_fit(X, y, n_networks) as tasks:
            images, patients = self._cut(cases)

            def trained(rows, name):
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
            self.nets_ = trained(slice(None), modality)
            features = self._describe(self.nets_, images)
            for number, rows in enumerate(held_out, start=1):
                unseen = np.isin(patients, rows)
                nets = trained(~unseen, f"{modality}, fold {number} of {len(held_out)}")
                features[unseen] = self._describe(nets, images[unseen])
        return self._table(features, patients, X.index)

    def _deal(self, cases, targets, n_folds):
        """Return, per fold, the rows of its patients; patients without an image are in none."""
        rows = np.flatnonzero(~cases.iloc[:, 0].map(is_missing))
        folds = stratified_folds(n_folds, self.classes_, targets[rows], who="SANetFeaturizer")
        return [rows[test] for _, test in folds.split(rows, targets[rows])]

    def _describe(self, nets, images):
        """Return the layer's values of images, or the probabilities that networks give them."""
        if self.train_features == "in_sample":
            return np.hstack([predict(net, images, "features") for net in nets.values()])
        return mean_probabilities(nets.values(), images)[:, 1:]

    def _table(self, features, patients, index):
        means = patient_means(features, patients, len(index))
        return pd.DataFrame(means, index=index, columns=self.get_feature_names_out())

    def _checked(self, X):
        return check_image_and_mask(X, missing=self.missing)

    def _readers(self):
        """Return the modality and the networks that see it, in a list."""
        return [([self.feature_names_in_[0]], list(self.nets_.values()))]
