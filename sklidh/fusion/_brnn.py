"""Bayesian-regularised neural network with one hidden layer."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import _threadpool_controller_decorator
from sklearn.utils.validation import check_is_fitted, validate_data

from sklidh.fusion._combination import as_probabilities
from sklidh.fusion._evidence import minimise, nguyen_widrow, output
from sklidh.utils import DocumentedMixin

ATTRIBUTES = {
    "weights_": "weights",
    "alpha_": "alpha",
    "beta_": "beta",
    "n_effective_parameters_": "n_effective",
    "log_evidence_": "log_evidence",
    "_hessian": "hessian",
}
"""Attributes of the classifier, by that of each network."""


class BRNNClassifier(DocumentedMixin, ClassifierMixin, BaseEstimator):
    """Classify with a small network that learns its weight decay.

    The network has one hidden layer of tanh neurons and a linear output. It minimises beta E_D +
    alpha E_W, where E_D is the error on the data and E_W the sum of the squared weights. The values
    of alpha and beta are learned: they maximise the probability of the data (the evidence). No
    validation set is needed, and on columns without information the weights shrink until few
    parameters remain effective. Columns are scaled internally to [-1, 1] by their training minimum
    and maximum. With the squared loss, the variance of the targets' noise is at least 0.03, so that
    the weights stay finite if the classes are separable.

    With more than two classes there is one such network per class, which distinguishes it from all
    others; each learns its own alpha and beta, and the probabilities are scaled to sum to 1.

    Parameters
    ----------
    n_neurons : int, default=2
        Number of neurons in the hidden layer.
    loss : {"squared", "log_loss"}, default="squared"
        "squared" is the network of the paper's references: a regression on -1 and +1 whose output
        is clipped to a probability. "log_loss" is MacKay's network for classification:
        cross-entropy of a sigmoid, with probabilities moderated towards 0.5 where the weights are
        uncertain.
    max_iter : int, default=500
        Maximum number of Gauss-Newton steps.
    tol : float, default=1e-2
        Training stops when the objective changes by less than this in three consecutive steps.
    n_init : int, default=3
        Number of random starts; the solution with the largest evidence is kept.
    random_state : int, RandomState instance or None, default=None
        Random seed of the starts (Nguyen-Widrow).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    weights_ : ndarray of shape (n_parameters,), or (n_classes, n_parameters) for several classes
        Hidden weights, hidden biases, output weights, output bias. n_parameters is
        n_neurons * (n_features + 2) + 1.
    n_effective_parameters_ : float, or ndarray of shape (n_classes,)
        Number of parameters that the data determine, from 0 to n_parameters.
    alpha_, beta_ : float, or ndarray of shape (n_classes,)
        Factors of the squared weights and of the error on the data.
    log_evidence_ : float, or ndarray of shape (n_classes,)
        Log-probability of the training labels, up to a constant.
    loss_curve_ : ndarray of shape (n_epochs,), or a list of one per class
        The objective after each step, with the alpha and beta of that step.
    n_iter_ : int
        The largest number of steps of a network.
    centre_, half_range_ : ndarray of shape (n_features,)
        Centre and half range by which columns are scaled.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names.

    References
    ----------
    Shi et al. 2023, Section II.E, with Burden and Winkler: Bayesian regularization of neural
    networks. Methods in Molecular Biology 458, 2008.

    MacKay: A practical Bayesian framework for backpropagation networks; The evidence framework
    applied to classification networks. Neural Computation 4, 1992.

    Foresee and Hagan: Gauss-Newton approximation to Bayesian learning. ICNN 1997.

    Nguyen and Widrow: Improving the learning speed of 2-layer neural networks by choosing initial
    values of the adaptive weights. IJCNN 1990.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklidh.fusion import BRNNClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> brnn = BRNNClassifier(random_state=0).fit(X, y)
    >>> len(brnn.weights_), bool(brnn.n_effective_parameters_ < 60)
    (65, True)
    >>> bool(brnn.score(X, y) > 0.97)
    True
    """

    _parameter_constraints: dict = {
        "n_neurons": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"squared", "log_loss"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_neurons=2,
        loss="squared",
        *,
        max_iter=500,
        tol=1e-2,
        n_init=3,
        random_state=None,
    ):
        self.n_neurons = n_neurons
        self.loss = loss
        self.max_iter = max_iter
        self.tol = tol
        self.n_init = n_init
        self.random_state = random_state

    # Matrices this small are slower with several threads.
    @_threadpool_controller_decorator(limits=1, user_api="blas")
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        self
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, y = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {self.classes_.tolist()[0]!r}, in {len(y)} samples; "
                "BRNNClassifier needs at least two classes"
            )
        lowest, highest = X.min(0), X.max(0)
        self.centre_ = (lowest + highest) / 2
        self.half_range_ = np.where(highest > lowest, (highest - lowest) / 2, 1.0)
        X = (X - self.centre_) / self.half_range_
        random_state = check_random_state(self.random_state)
        starts = [
            nguyen_widrow(self.n_neurons, X.shape[1], random_state) for _ in range(self.n_init)
        ]
        # Every network has the same starts, so that the order of the classes does not matter.
        networks = [
            max(
                (
                    minimise(
                        X,
                        np.where(y == label, 1.0, -1.0),
                        self.n_neurons,
                        self.loss,
                        weights=start,
                        max_iter=self.max_iter,
                        tol=self.tol,
                    )
                    for start in starts
                ),
                key=lambda solution: solution.log_evidence,
            )
            for label in self._modelled
        ]
        self.n_iter_ = max(len(network.objective) for network in networks)
        if self.n_iter_ == self.max_iter:
            warnings.warn(
                f"BRNNClassifier did not fully converge in max_iter={self.max_iter} steps: the "
                f"objective still changes by more than tol={self.tol:g}. The effect is usually "
                f"small; to train longer, use BRNNClassifier(max_iter={2 * self.max_iter})",
                ConvergenceWarning,
                stacklevel=4,
            )
        curves = [np.array(network.objective) for network in networks]
        binary = len(networks) == 1
        self.loss_curve_ = curves[0] if binary else curves
        for name, attribute in ATTRIBUTES.items():
            values = [getattr(network, attribute) for network in networks]
            setattr(self, name, values[0] if binary else np.array(values))
        return self

    def decision_function(self, X):
        """Return the network's output; with two classes values above 0 predict the second.

        With "squared" it estimates the sign; with "log_loss" it is the log-odds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) for more than two classes
        """
        X = self._scaled(X)
        if len(self.classes_) == 2:
            return self._activation(X, self.weights_, self._hessian)
        networks = zip(self.weights_, self._hessian, strict=True)
        return np.column_stack([self._activation(X, *network) for network in networks])

    def predict_proba(self, X):
        """Return the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The columns are in the order of `classes_`.
        """
        activation = self.decision_function(X)
        each = (activation + 1) / 2 if self.loss == "squared" else expit(activation)
        if len(self.classes_) > 2:
            return as_probabilities(each)
        second = np.clip(each, 0.0, 1.0)
        return np.column_stack([1 - second, second])

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        activation = self.decision_function(X)
        best = activation.argmax(1) if activation.ndim > 1 else (activation > 0).astype(int)
        return self.classes_[best]

    @property
    def _modelled(self):
        """The class numbers that have a network: of two only the second."""
        return [1] if len(self.classes_) == 2 else range(len(self.classes_))

    def _activation(self, X, weights, hessian):
        """Return one network's output."""
        if self.loss == "squared":
            return output(weights, X, self.n_neurons)
        activation, jacobian = output(weights, X, self.n_neurons, jacobian=True)
        # MacKay's moderated output approximates the mean over the posterior of the weights.
        variance = (jacobian * np.linalg.solve(hessian, jacobian.T).T).sum(1)
        return activation / np.sqrt(1 + np.pi * variance / 8)

    def _scaled(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return (X - self.centre_) / self.half_range_
