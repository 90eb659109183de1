"""Deep features of the tumour, from a self-attention network trained with the labels."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.features._out_of_fold import (
    align,
    aligned_features,
    features_of_unseen,
    held_out_rows,
)
from sklidh.features._sanet_base import BaseSANet
from sklidh.features._sanet_slices import patient_means
from sklidh.nn._trained import predict
from sklidh.utils import check_image_and_mask, is_missing


class SANetFeaturizer(TransformerMixin, BaseSANet):
    """Deep features of one modality: the last layer of a SA-Net before its classifier.

    A self-attention network learns to tell the classes apart on the tumour slices of the training
    patients. Its dense layer before the classifier then describes any patient.

    .. note::
        With ``train_features="out_of_fold"``, ``fit(X, y).transform(X)`` does not equal
        ``fit_transform(X, y)``. A pipeline calls the latter on its training patients.

    Parameters
    ----------
    n_features : int, default=128
        Width of the layer.
    architecture : {"san10", "san15", "san19"}, default="san10"
        Depth of the network, pairwise attention.
    size : int, default=72
        Side of the tumour slices in pixels.
    n_slices : int, default=1
        Slices per patient and plane, at most: those with the largest tumour area. Each is an image
        to train on; a patient's features are the mean over the slices.
    planes : sequence of {"axial", "coronal", "sagittal"}, default=("axial",)
        The planes to cut slices in.
    max_epochs : int, default=20
        Passes over the training slices. The paper does not give its number.
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
    train_features : {"in_sample", "out_of_fold"}, default="in_sample"
        What `fit_transform` returns for the patients that the network was trained on.
        "in_sample", the paper's way: what `transform` returns. The network has seen their labels,
        so whatever learns from these features trusts them too much. "out_of_fold": `cv` networks
        are trained, each without a part of the patients, and every training patient is described
        by the one that never saw them, every other patient by the mean of all. See Notes.
    cv : int, default=5
        Folds of "out_of_fold", stratified, in the order of the table.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1", "mps", or "auto": a GPU where there is one. Another device rounds
        differently, so the trained network, and its answers, may differ.
    missing : {"raise", "nan"}, default="raise"
        With "nan", a patient whose image cell is empty is left out of training and gets a row of
        NaN.
    label : int or sequence of int, default=None
        The mask's labels that are tumour; None means every label above 0.
    callbacks : list of skorch callbacks, default=None
        Copied for each network. Early stopping can monitor ``"train_loss"``.
    random_state : int, RandomState instance or None, default=None
        Seeds the first weights, the order and the augmentation.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    net_ : skorch.NeuralNetClassifier
        The network trained on all patients; ``net_.module_`` is a `sklidh.nn.SAN`.
    fold_nets_ : list of skorch.NeuralNetClassifier
        The networks of the folds; empty with "in_sample".
    alignments_ : list of (rotation, shift)
        What brings the features of each fold's network to the axes of `net_`, as `align` says.
    loss_curve_ : ndarray of shape (n_epochs,)
        Mean training loss of each epoch.
    n_features_in_ : int
        2.
    feature_names_in_ : ndarray of shape (2,)

    Notes
    -----
    Networks that are trained apart have axes of their own. Those of the folds start from the
    weights that the network of all patients starts from, and their features are brought to its
    axes by a rotation and a shift (orthogonal Procrustes), found on the patients that both were
    trained on. The network of all patients lends the axes and nothing else: no patient is described
    by a network that saw the label, and a new patient is described as a training patient is. With
    images of noise beside one informative column, such features cost a classifier no more than
    columns of random numbers would; those of "in_sample" cost it most of the column's worth.

    Once the weights are final, the averages of the batch normalisations are taken anew over the
    training slices. Those kept while training trail behind the weights, in a small cohort so far
    that the features of a few epochs would be those of another network.

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
        max_epochs=20,
        lr=1e-4,
        batch_size=16,
        shuffle=False,
        augment=False,
        class_weight=None,
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
            One modality and the mask: paths or SimpleITK images. Index: patient ids.
        y : array-like of shape (n_patients,)
            IDH status, any two or more labels.

        Returns
        -------
        SANetFeaturizer
            Itself.
        """
        self._fit_networks(X, y)
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
        DataFrame of shape (n_patients, n_features), float64
            As `train_features` says. Index: that of X.
        """
        images, patients, folds = self._fit_networks(X, y)
        if not folds:
            return self._table(predict(self.net_, images, "features"), patients, X.index)
        networks = self.fold_nets_, self.alignments_
        features = features_of_unseen(*networks, folds, images, patients)
        return self._table(features, patients, X.index)

    def transform(self, X):
        """Return the features of patients.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, 2)

        Returns
        -------
        DataFrame of shape (n_patients, n_features), float64
            Index: that of X; a row of NaN where an image is missing.
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        images, patients = self._cut(check_image_and_mask(X, missing=self.missing))
        if not self.fold_nets_:
            return self._table(predict(self.net_, images, "features"), patients, X.index)
        every = zip(self.fold_nets_, self.alignments_, strict=True)
        features = np.mean([aligned_features(net, images, found) for net, found in every], axis=0)
        return self._table(features, patients, X.index)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features: sanet000, sanet001, ...

        Parameters
        ----------
        input_features : None
            Ignored; here for scikit-learn.

        Returns
        -------
        ndarray of str, shape (n_features,)
        """
        digits = max(3, len(str(self.n_features - 1)))
        return np.array([f"sanet{i:0{digits}}" for i in range(self.n_features)], dtype=object)

    def _fit_networks(self, X, y):
        """Train the networks; return images, their patients, and each fold's held-out rows."""
        cases = check_image_and_mask(X, missing=self.missing)
        targets = self._check(X, y, cases)
        folds = []
        if self.train_features == "out_of_fold":
            there = np.flatnonzero(~cases.iloc[:, 0].map(is_missing))
            folds = held_out_rows(self.cv, there, targets, self.classes_)
        name = f"SA-Net {X.columns[0]}"
        self.fold_nets_, self.alignments_ = [], []
        with self._announced_fit(X, y, n_networks=1 + len(folds)) as tasks:
            images, patients = self._cut(cases)

            def trained(rows, name):
                return self._train(
                    images[rows],
                    targets[patients[rows]],
                    seed=self._seed,
                    name=name,
                    task=next(tasks),
                )

            self.net_, self.loss_curve_ = trained(slice(None), name)
            for number, held_out in enumerate(folds, start=1):
                seen = ~np.isin(patients, held_out)
                net, _ = trained(seen, f"{name}, fold {number} of {len(folds)}")
                both = (predict(each, images[seen], "features") for each in (net, self.net_))
                self.fold_nets_.append(net)
                self.alignments_.append(align(*(each.astype(np.float64) for each in both)))
        return images, patients, folds

    def _table(self, features, patients, index):
        means = patient_means(features, patients, len(index))
        return pd.DataFrame(means, index=index, columns=self.get_feature_names_out())

    def _checked(self, X):
        return check_image_and_mask(X, missing=self.missing)

    def _readers(self):
        """Return the modalities and the networks that describe new patients by them."""
        return [([self.feature_names_in_[0]], self.fold_nets_ or [self.net_])]
