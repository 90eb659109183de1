"""The paper's Model 1: self-attention networks that go from images to a probability."""

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
    """Classify patients by self-attention networks on their tumour slices alone.

    Parameters
    ----------
    n_features : int, default=128
        Width of the dense layer before the classifier.
    fusion : {"mean", "channels"}, default="mean"
        "mean" trains one network per modality and averages their probabilities. "channels" trains
        one network that sees the modalities of a slice as the channels of one image.
    channel_attention : bool, default=False
        Weigh the modalities of ``fusion="channels"`` by squeeze and excitation before the network
        sees them: a reconstruction of Zhang et al. [8], whose text is not available.
    radiomics : list of str, default=None
        Columns of numbers, standardised and joined to the deep features by a dense layer before
        the classifier: a reconstruction of Zhang et al. [10], likewise.
    modalities : list of str, default=None
        The columns of images; None takes every column that holds images, but the mask.
    architecture : {"san10", "san15", "san19"}, default="san10"
        Depth of the networks, pairwise attention.
    size : int, default=72
        Side of the tumour slices in pixels.
    n_slices : int, default=1
        Slices per patient and plane, at most: those with the largest tumour area. A patient's
        probability is the mean over the slices.
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
        Networks trained on the same patients from different first weights. Their
        probabilities are averaged.
    validation_fraction : float, default=None
        Fraction of the training patients that take no step, drawn for each network. Their loss is
        recorded after every epoch, training stops when it has not fallen for `n_iter_no_change`
        epochs, and the network ends with the weights of its best epoch. None trains on everybody.
    n_iter_no_change : int, default=5
        Epochs to wait for a lower validation loss.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1", "mps", or "auto": a GPU where there is one. Another device rounds
        differently, so the trained network, and its answers, may differ.
    missing : {"raise", "nan"}, default="raise"
        With "nan", a patient who lacks a modality is left out of that network's training, and
        classified by the mean of the others; with ``fusion="channels"`` every modality is needed
        to classify.
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
    modalities_ : list of str
    nets_ : dict of str to skorch.NeuralNetClassifier
        The trained networks, by their modality, or ``"T1+T1CE+..."`` with ``fusion="channels"``;
        of an ensemble ``"T1, member 1 of 5"``.
    history_ : dict of str to dict of str to ndarray of shape (n_epochs,)
        Learning curves of every trained network, by the same names: ``"train_loss"``, the
        mean loss of an epoch's steps; with `validation_fraction` ``"valid_loss"`` and
        ``"valid_acc"``; and what callbacks record.
    radiomics_mean_, radiomics_scale_ : ndarray of shape (n_radiomics,)
        Mean and deviation of the `radiomics` columns of the training patients.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    References
    ----------
    Shi et al. 2023, section III.B, Model 1 of Table I; [8] and [10] of Table V. The paper does not
    say how Model 1 joins the modalities; the mean is ours.

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
            Columns of images, and ``"mask"``: paths or images in memory; and the `radiomics`
            columns. Index: patient ids.
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
            raise CohortError([f"no column of images among {list(X.columns)}"])
        if self.channel_attention and self.fusion != "channels":
            raise ValueError(
                "channel_attention=True weighs the modalities that one network sees: it needs "
                f"fusion='channels', got fusion={self.fusion!r}"
            )
        cases = self._checked(X)
        targets = self._check(X, y, cases)
        columns = radiomics_columns(X, self.radiomics)
        self.radiomics_mean_, deviation = columns.mean(0), columns.std(0)
        self.radiomics_scale_ = np.where(deviation > 0, deviation, 1.0)
        self.nets_, self.history_ = {}, {}
        seen = self._seen()
        with self._announced_fit(X, y, n_networks=len(seen) * self.n_members) as tasks:
            for first, (name, modalities) in enumerate(seen.items()):
                images, patients = self._cut(cases[[*modalities, "mask"]])
                inputs = self._inputs(X, images, patients)
                for number, member in enumerate(self._members(name)):
                    self.nets_[member] = self._train(
                        inputs,
                        patients,
                        targets,
                        seed=self._seed + first + number * len(seen),
                        name=member,
                        task=next(tasks),
                    )
        return self

    def predict_proba(self, X):
        """Return the probability of each class.

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
            A patient lacks the images that the networks need.
        """
        check_is_fitted(self)
        cases = self._checked(X)
        total, n_networks = np.zeros((len(X), len(self.classes_))), np.zeros((len(X), 1))
        for modalities, nets in self._readers():
            images, patients = self._cut(cases[[*modalities, "mask"]])
            inputs = self._inputs(X, images, patients)
            means = patient_means(mean_probabilities(nets, inputs), patients, len(X))
            there = np.isin(np.arange(len(X)), patients)[:, None]
            total += np.where(there, means, 0)
            n_networks += there
        if not n_networks.all():
            needed = "all" if self.fusion == "channels" else "one"
            raise CohortError(
                f"patient {patient!r}: too few images, fusion={self.fusion!r} needs {needed} of "
                f"{', '.join(self.modalities_)}"
                for patient in X.index[n_networks[:, 0] == 0]
            )
        return total / n_networks

    def predict(self, X):
        """Return the most probable class.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)

        Returns
        -------
        ndarray of shape (n_patients,)
        """
        most_probable = self.predict_proba(X).argmax(1)
        return self.classes_[most_probable]

    def _seen(self):
        """Return the modalities that each network sees, by the network's name."""
        if self.fusion == "channels":
            return {"+".join(self.modalities_): self.modalities_}
        return {modality: [modality] for modality in self.modalities_}

    def _checked(self, X):
        cases = check_cases(X, [*self.modalities_, "mask"], missing=self.missing)
        radiomics_columns(X, self.radiomics)
        return cases

    def _inputs(self, X, images, patients):
        """Return images, or images and the standardised columns of their patients."""
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
        """Return pairs of modalities and the networks that see them."""
        return [
            (modalities, [self.nets_[member] for member in self._members(name)])
            for name, modalities in self._seen().items()
        ]
