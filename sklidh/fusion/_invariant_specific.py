"""Inter-modality fusion with invariant and specific constraints."""

from numbers import Integral, Real

from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from sklidh.fusion._blockwise import BlockwiseMixin
from sklidh.fusion._joint_training import train_together
from sklidh.fusion._trained_network import TrainedNetworkMixin, refuse_huge, standardise
from sklidh.nn._losses import DIFFERENCES, RECONSTRUCTIONS, SIMILARITIES
from sklidh.utils import DocumentedMixin


class InvariantSpecificFusionClassifier(
    DocumentedMixin, TrainedNetworkMixin, BlockwiseMixin, ClassifierMixin, BaseEstimator
):
    r"""Fuse modalities into codes that they share and codes that are specific to each.

    Every block of columns :math:`m` is projected to :math:`u_m` and encoded twice: into an
    invariant code :math:`h^i_m` by an encoder shared by all blocks, and into a specific code
    :math:`h^s_m` by its own encoder. A linear head classifies from all codes. The network minimises

    .. math:: L = L_{task} + \alpha L_{sim} + \beta L_{diff} + \gamma L_{recon}

    where :math:`L_{task}` is the cross-entropy. Columns are first standardised with their weighted
    training means and standard deviations. Several networks are trained from different initial
    weights, and their probabilities are averaged.

    Parameters
    ----------
    alpha, beta, gamma : float, default=0.7
        Weights of the similarity, difference and reconstruction terms.
    modalities : dict of str to list, or list of str, default=None
        A dict from each modality to its columns, by name or position, or a list of the modalities
        to use: the part of the column names before the first ``__``. None uses all modalities, in
        the order of the columns; an array without column names is one modality.
    groups : list of tuple of str, default=None
        Modalities whose columns are joined into one block before the projection; the others are
        left out. None makes each modality a block. With T1, T1CE, T2 and FLAIR, the paper's Input
        Method 1 is ``[("T1CE",), ("FLAIR",)]``, Method 2 is None and Method 3, its best,
        ``[("T1", "T1CE"), ("T2", "FLAIR")]``.
    similarity : {"kl", "jeffreys", "js", "cmd"}, default="kl"
        :math:`L_{sim}`, the sum over the pairs :math:`m < m'` of a divergence of :math:`p(h^i_m)`
        and :math:`p(h^i_{m'})`. The paper's Eq. 3 does not define :math:`p(h)`; here it is the
        softmax over a code's features. "kl" is the Kullback-Leibler divergence averaged over the
        patients, which depends on the order of the blocks; "jeffreys" and "js" (Jensen-Shannon) do
        not. "cmd" compares the first five central moments over the patients.
    difference : {"soft_distance", "distance", "xcorr", "cosine", "dot", "misa"}
        :math:`L_{diff}`, the sum over :math:`(h^i_m, h^s_m)` of every block and
        :math:`(h^s_m, h^s_{m'})` of every pair of: "distance", the Euclidean distance :math:`d` of
        Eq. 4, which makes the codes similar although the paper's text asks for orthogonal codes;
        "soft_distance", the default, :math:`\sqrt{d^2 + 1} - 1`, which does not collapse the codes
        to a point; "xcorr", the squared correlation over the patients, averaged over the pairs of
        features; "cosine", the squared cosine; "dot", the squared scalar product (the vector
        product of the paper's text); "misa", the loss of Hazarika et al. All except "xcorr" and
        "misa" are averaged over the patients.
    reconstruction : {"soft_norm", "norm", "mse"}, default="soft_norm"
        :math:`L_{recon}`, the sum over the blocks of the mean distance :math:`d` between
        :math:`\hat u_m` and :math:`u_m` ("norm", Eq. 5), of the mean of :math:`\sqrt{d^2 + 1} - 1`
        ("soft_norm"), or of the mean squared difference over patients and features ("mse").
    reconstruction_target : {"projected", "input"}, default="projected"
        Whether the decoders reconstruct :math:`u_m` or the columns of the block.
    projection_dim, hidden_dim : int, default=8 and 2
        Number of features of :math:`u_m`, and of each code.
    max_epochs : int, default=100
        Number of passes over all patients. The paper does not state it.
    lr : float, default=0.05
        Adam's learning rate in the first epoch. The paper uses 1e-4 with `batch_size` 16, with
        which this small network needs thousands of epochs.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" lowers the rate to 0 over the epochs along half a cosine; the paper mentions no
        schedule. With a constant rate, rounding errors grow until probabilities differ between
        processors.
    warm_up : float, default=0.25
        Fraction of the epochs over which `alpha`, `beta` and `gamma` increase linearly from 0 to
        their values. With ``warm_up=0`` all terms of Eq. 6 act from the first step, and the codes
        of all patients can collapse to a point before the task separates them.
    batch_size : int, default=None
        Number of patients per step, in the order of the rows; as in the paper, patients are not
        shuffled. None uses all patients in each step, so that their order does not matter.
    class_weight : dict or "balanced", default=None
        Class weights, as in scikit-learn.
    validation_fraction : float, default=None
        Fraction of the patients held out for validation, stratified by class. The network then
        keeps the weights of the epoch with the lowest cross-entropy on these patients.
    missing : {"raise", "ignore"}, default="raise"
        "raise" does not allow NaN, and every listed modality needs columns. "ignore" leaves out
        listed modalities without columns, and predicts patients from their available blocks: a
        block with only NaN does not enter the constraints, its invariant code is the mean of the
        patient's other invariant codes, and its specific code is that of the training means. Any
        other NaN is replaced by the column's training mean.
    n_members : int, default=10
        Number of networks, trained in one batch from different initial weights; their probabilities
        are averaged. The paper trains one.
    bootstrap : bool, default=False
        Whether each network is trained on its own resample of the patients, drawn with replacement
        within the classes.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the resamples and the validation patients.
    verbose : int, default=0
        Whether to show a progress bar over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    blocks_ : dict of str to ndarray of int
        The column positions of each block.
    scaler_ : StandardScaler
        Weighted means and standard deviations of the columns over the training patients. Missing
        values are replaced by the mean.
    net_ : sklidh.nn.FusionNet
        The trained members.
    loss_curve_ : dict of str to ndarray of shape (n_epochs,)
        "task", "similarity", "difference" and "reconstruction" (before weighting), "total", and
        with `validation_fraction` "validation"; averaged over the members.
    n_iter_ : int
        The number of epochs.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    References
    ----------
    Shi et al. 2023, Section II.E, Fig. 5 and Eq. 3 to 6; Fig. 7 for the input methods.

    Hazarika, Zimmermann and Poria: MISA: modality-invariant and -specific representations for
    multimodal sentiment analysis. ACM Multimedia 2020.

    Zellinger et al.: Central moment discrepancy (CMD) for domain-invariant representation
    learning. ICLR 2017.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklidh.fusion import InvariantSpecificFusionClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> names = [f"{'T1' if column < 15 else 'T2'}__{column}" for column in range(30)]
    >>> X = pd.DataFrame(scale(X), columns=names)
    >>> fusion = InvariantSpecificFusionClassifier(random_state=0).fit(X, y)
    >>> list(fusion.blocks_)
    ['T1', 'T2']
    >>> fusion.transform(X).shape  # ten networks, two blocks, two codes of two numbers each
    (569, 80)
    >>> bool(fusion.score(X, y) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "modalities": [dict, "array-like", None],
        "groups": ["array-like", None],
        "similarity": [StrOptions(set(SIMILARITIES))],
        "difference": [StrOptions(set(DIFFERENCES))],
        "reconstruction": [StrOptions(set(RECONSTRUCTIONS))],
        "reconstruction_target": [StrOptions({"projected", "input"})],
        "projection_dim": [Interval(Integral, 1, None, closed="left")],
        "hidden_dim": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions({"cosine", "constant"})],
        "warm_up": [Interval(Real, 0, 1, closed="both")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "missing": [StrOptions({"raise", "ignore"})],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "bootstrap": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        alpha=0.7,
        beta=0.7,
        gamma=0.7,
        *,
        modalities=None,
        groups=None,
        similarity="kl",
        difference="soft_distance",
        reconstruction="soft_norm",
        reconstruction_target="projected",
        projection_dim=8,
        hidden_dim=2,
        max_epochs=100,
        lr=0.05,
        lr_schedule="cosine",
        warm_up=0.25,
        batch_size=None,
        class_weight=None,
        validation_fraction=None,
        missing="raise",
        n_members=10,
        bootstrap=False,
        random_state=None,
        verbose=0,
    ):
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.modalities = modalities
        self.groups = groups
        self.similarity = similarity
        self.difference = difference
        self.reconstruction = reconstruction
        self.reconstruction_target = reconstruction_target
        self.projection_dim = projection_dim
        self.hidden_dim = hidden_dim
        self.max_epochs = max_epochs
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.warm_up = warm_up
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.missing = missing
        self.n_members = n_members
        self.bootstrap = bootstrap
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)
        sample_weight : array-like of shape (n_patients,), default=None
            Weight of each patient in every term of the loss.

        Returns
        -------
        self

        Raises
        ------
        FloatingPointError
            The loss became infinite or NaN.
        """
        patients = self._start(X, y, sample_weight)
        self._finish(*train_together([self], *patients)[0])
        return self

    def _start(self, X, y, sample_weight=None):
        """Fit everything except the networks, and return the arguments of `train_together`."""
        X, y, present = self._fit_blocks(X, y)
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        weight = weight * compute_sample_weight(self.class_weight, self.classes_[y])
        refuse_huge(X)
        self.scaler_ = StandardScaler().fit(X, sample_weight=weight)
        return standardise(self.scaler_, X), y, weight, present

    def _finish(self, net, curves):
        """Store the trained networks."""
        self.net_ = net
        self.loss_curve_ = {term: curve.mean(1) for term, curve in curves.items()}
        self.n_iter_ = self.max_epochs
