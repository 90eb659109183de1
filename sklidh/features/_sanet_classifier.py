"""The paper's Model 1: self-attention networks that classify patients from images."""

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from sklidh.features._radiomics_columns import radiomics_columns
from sklidh.features._sanet_base import BaseSANet, mean_probabilities
from sklidh.features._sanet_slices import patient_means
from sklidh.images import image_columns
from sklidh.nn._san import ModalitySAN
from sklidh.utils import CohortError, check_cases


class SANetClassifier(ClassifierMixin, BaseSANet):
    """Classify patients with self-attention networks on tumour slices.

    Parameters
    ----------
    n_features : int, default=128
        Width of the dense layer before the classifier.
    fusion : {"mean", "channels"}, default="mean"
        "mean" trains one network per modality and averages their probabilities. "channels" trains
        one network with the modalities of a slice as the channels of one image.
    channel_attention : bool, default=False
        Whether to weight the modalities of ``fusion="channels"`` by squeeze and excitation before
        the network; a reconstruction of Zhang et al. [8], whose text is not available.
    radiomics : list of str, default=None
        Numeric columns that are standardised and combined with the deep features in a dense layer
        before the classifier; a reconstruction of Zhang et al. [10], whose text is not available
        either.
    modalities : list of str, default=None
        Image columns; None uses every column that contains images, except the mask.
    architecture : {"san10", "san15", "san19"}, default="san10"
        Depth of the networks with pairwise attention.
    size : int, default=72
        Side of the tumour slices in pixels.
    n_slices : int, default=1
        Maximum number of slices per patient and plane, those with the largest tumour area. A
        patient's probability is the mean over the slices.
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
        Number of networks trained on the same patients from different initial weights; their
        probabilities are averaged.
    validation_fraction : float, default=None
        Fraction of the training patients held out for validation, drawn for each network. Their
        loss is recorded after every epoch; training stops when it has not decreased for
        `n_iter_no_change` epochs, and the weights of the best epoch are kept. None trains on all
        patients.
    n_iter_no_change : int, default=5
        Number of epochs to wait for a lower validation loss.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1", "mps", or "auto", which uses a GPU if available. Devices round
        differently, so the trained network and its predictions may differ between devices.
    missing : {"raise", "nan"}, default="raise"
        With "nan", patients who lack a modality are left out of the training of its network, and
        classified by the mean of the other networks; with ``fusion="channels"``, classification
        needs every modality.
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
    modalities_ : list of str
    nets_ : dict of str to skorch.NeuralNetClassifier
        The trained networks, with the modality as key, or ``"T1+T1CE+..."`` with
        ``fusion="channels"``; in an ensemble, ``"T1, member 1 of 5"``.
    history_ : dict of str to dict of str to ndarray of shape (n_epochs,)
        Learning curves of every trained network, with the same keys: ``"train_loss"``, the mean
        loss over the steps of an epoch; with `validation_fraction` also ``"valid_loss"`` and
        ``"valid_acc"``; and values that callbacks record.
    radiomics_mean_, radiomics_scale_ : ndarray of shape (n_radiomics,)
        Mean and standard deviation of the `radiomics` columns over the training patients.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    References
    ----------
    Shi et al. 2023, section III.B, Model 1 of Table I; [8] and [10] of Table V. The paper does not
    state how Model 1 combines the modalities; the mean is our choice.

    Examples
    --------
    >>> import numpy as np, pandas as pd, SimpleITK as sitk
    >>> from sklidh.features import SANetClassifier
    >>> def patient(seed, tumour_signal):
    ...     voxels = np.random.default_rng(seed).normal(100, 10, (3, 24, 24))
    ...     mask = np.zeros(voxels.shape, np.uint8)
    ...     mask[1, 8:16, 8:16] = 1
    ...     voxels[mask == 1] += tumour_signal
    ...     return sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(mask)
    >>> cases = [patient(seed, 40 * (seed % 2)) for seed in range(8)]
    >>> X = pd.DataFrame(cases, columns=["FLAIR", "mask"], index=list("ABCDEFGH"))
    >>> classifier = SANetClassifier(size=16, max_epochs=2, random_state=0)
    >>> classifier.fit(X, ["wild type", "mutant"] * 4).predict_proba(X).shape
    (8, 2)
    """

    _parameter_constraints: dict = {
        **BaseSANet._parameter_constraints,
        "fusion": [StrOptions({"mean", "channels"})],
        "channel_attention": ["boolean"],
        "radiomics": ["array-like", None],
        "modalities": ["array-like", None],
    }

    _module = ModalitySAN

    def __init__(
        self,
        n_features=128,
        *,
        fusion="mean",
        channel_attention=False,
        radiomics=None,
        modalities=None,
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
        device="auto",
        missing="raise",
        label=None,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.n_features = n_features
        self.fusion = fusion
        self.channel_attention = channel_attention
        self.radiomics = radiomics
        self.modalities = modalities
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
        self.device = device
        self.missing = missing
        self.label = label
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the networks.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Image columns and ``"mask"``, as paths or images in memory, and the `radiomics` columns.
            Index: patient ids.
        y : array-like of shape (n_patients,)
            IDH status, any two or more labels.

        Returns
        -------
        SANetClassifier
            Itself.
        """
        check_cases(X, [])
        self.modalities_ = list(image_columns(X) if self.modalities is None else self.modalities)
        if not self.modalities_:
            raise CohortError([f"no image column found; available columns: {list(X.columns)}"])
        if self.channel_attention and self.fusion != "channels":
            raise ValueError(
                "channel_attention=True weights the modalities inside one network and needs "
                f"fusion='channels'; got fusion={self.fusion!r}"
            )
        cases = self._checked(X)
        targets = self._check(X, y, cases)
        columns = radiomics_columns(X, self.radiomics)
        self.radiomics_mean_, deviation = columns.mean(0), columns.std(0)
        self.radiomics_scale_ = np.where(deviation > 0, deviation, 1.0)
        self.nets_, self.history_ = {}, {}
        networks = self._modalities_by_network()
        with self._fit_tasks(X, y, n_networks=len(networks) * self.n_members) as tasks:
            for first, (name, modalities) in enumerate(networks.items()):
                images, patients = self._cut(cases[[*modalities, "mask"]])
                inputs = self._inputs(X, images, patients)
                for number, member in enumerate(self._members(name)):
                    self.nets_[member] = self._train(
                        inputs,
                        patients,
                        targets,
                        seed=self._seed + first + number * len(networks),
                        name=member,
                        task=next(tasks),
                    )
        return self

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        CohortError
            A patient lacks images that the networks need.
        """
        check_is_fitted(self)
        cases = self._checked(X)
        total, n_networks = np.zeros((len(X), len(self.classes_))), np.zeros((len(X), 1))
        for modalities, nets in self._readers():
            images, patients = self._cut(cases[[*modalities, "mask"]])
            inputs = self._inputs(X, images, patients)
            means = patient_means(mean_probabilities(nets, inputs), patients, len(X))
            has_image = np.isin(np.arange(len(X)), patients)[:, None]
            total += np.where(has_image, means, 0)
            n_networks += has_image
        if not n_networks.all():
            needed = "all" if self.fusion == "channels" else "one"
            raise CohortError(
                f"patient {patient!r}: too few images, fusion={self.fusion!r} needs {needed} of "
                f"{', '.join(self.modalities_)}"
                for patient in X.index[n_networks[:, 0] == 0]
            )
        return total / n_networks

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,)
        """
        most_probable = self.predict_proba(X).argmax(1)
        return self.classes_[most_probable]

    def _modalities_by_network(self):
        """Return the modalities of each network, with the network's name as key."""
        if self.fusion == "channels":
            return {"+".join(self.modalities_): self.modalities_}
        return {modality: [modality] for modality in self.modalities_}

    def _checked(self, X):
        cases = check_cases(X, [*self.modalities_, "mask"], missing=self.missing)
        radiomics_columns(X, self.radiomics)
        return cases

    def _inputs(self, X, images, patients):
        """Return images, or images and the standardised radiomics columns of their patients."""
        if self.radiomics is None:
            return images
        columns = radiomics_columns(X, self.radiomics) - self.radiomics_mean_
        return images, (columns / self.radiomics_scale_)[patients].astype(np.float32)

    def _module_parameters(self, inputs):
        images, columns = (inputs, None) if self.radiomics is None else inputs
        return {
            "in_channels": images.shape[1],
            "channel_attention": bool(self.channel_attention),
            "n_columns": 0 if columns is None else columns.shape[1],
        }

    def _readers(self):
        """Return pairs of modalities and their networks."""
        return [
            (modalities, [self.nets_[member] for member in self._members(name)])
            for name, modalities in self._modalities_by_network().items()
        ]
