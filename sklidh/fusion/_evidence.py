"""The evidence framework for a small network: learn weights and weight decay jointly."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

# Levenberg-Marquardt damping: initial value, factors after success and failure, and maximum.
DAMPING, DECREASE, INCREASE, MAX_DAMPING = 0.005, 0.1, 10.0, 1e10
FIRST_ALPHA = 0.1
# Lower bound of the mean squared error taken as the noise of the targets -1 and +1. Without it, the
# weights would grow without bound if the classes are separable.
MIN_NOISE = 0.03


def output(weights, X, n_neurons, *, jacobian=False):
    """Evaluate the network, and its derivative with respect to the weights.

    Parameters
    ----------
    weights : ndarray of shape (n_parameters,)
        Hidden weights (n_neurons x n_features, row by row), hidden biases, output weights and the
        output bias.
    X : ndarray of shape (n_samples, n_features)
    n_neurons : int
    jacobian : bool, default=False

    Returns
    -------
    ndarray of shape (n_samples,)
        The sum over the neurons of v * tanh(W x + b), plus the output bias.
    ndarray of shape (n_samples, n_parameters)
        The Jacobian, if `jacobian` is True.
    """
    n_samples, n_features = X.shape
    first = n_neurons * n_features
    W = weights[:first].reshape(n_neurons, n_features)
    b, v = weights[first:-1].reshape(2, n_neurons)
    hidden = np.tanh(X @ W.T + b)
    activation = hidden @ v + weights[-1]
    if not jacobian:
        return activation
    slope = (1 - hidden**2) * v
    by_W = (slope[:, :, np.newaxis] * X[:, np.newaxis]).reshape(n_samples, -1)
    return activation, np.hstack([by_W, slope, hidden, np.ones((n_samples, 1))])


def squared_error(activation, sign):
    """Return the sum of squared errors (targets -1 and +1), its gradient and its curvature."""
    error = activation - sign
    return error @ error, 2 * error, np.full_like(error, 2.0)


def cross_entropy(activation, sign):
    """Return the summed cross-entropy of sigmoid(activation), its gradient and its curvature."""
    probability = expit(activation)
    loss = np.logaddexp(0, -sign * activation).sum()
    curvature = np.maximum(probability * (1 - probability), 1e-12)
    return loss, probability - (sign + 1) / 2, curvature


def nguyen_widrow(n_neurons, n_features, random_state):
    """Draw initial weights that spread the neurons' active regions over [-1, 1]^n_features.

    Returns
    -------
    ndarray of shape (n_neurons * (n_features + 2) + 1,)
    """
    W = random_state.uniform(-1, 1, (n_neurons, n_features))
    length = 0.7 * n_neurons ** (1 / n_features)
    W *= length / np.linalg.norm(W, axis=1, keepdims=True)
    spread = np.linspace(-1, 1, n_neurons) if n_neurons > 1 else np.zeros(1)
    b = length * spread * np.sign(W[:, 0])
    return np.concatenate([W.ravel(), b, random_state.uniform(-0.5, 0.5, n_neurons + 1)])


class Solution(NamedTuple):
    """The result of one start."""

    weights: np.ndarray
    alpha: float
    beta: float
    n_effective: float
    hessian: np.ndarray
    log_evidence: float
    objective: list


def minimise(X, sign, n_neurons, loss, *, weights, max_iter, tol) -> Solution:
    """Alternate Levenberg-Marquardt steps on beta E_D + alpha E_W with updates of alpha and beta.

    E_D is the error on the data and E_W the sum of squared weights. After every step the number of
    effective parameters is gamma = sum_i beta l_i / (beta l_i + 2 alpha), where l_i are the
    eigenvalues of the Gauss-Newton Hessian of E_D, and the evidence is largest for alpha = gamma /
    (2 E_W) and beta = (n_samples - gamma) / (2 E_D). For the cross-entropy, which is a
    log-likelihood, beta is 1. Alpha is updated to the geometric mean of its old and new values; the
    full update can oscillate between two values.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        In [-1, 1].
    sign : ndarray of shape (n_samples,)
        -1 or +1.
    n_neurons : int
    loss : {"squared", "log_loss"}
    weights : ndarray of shape (n_parameters,)
        Initial weights.
    max_iter : int
    tol : float
        Stop when the objective changes by less than this in each of three consecutive steps.
    """
    error = squared_error if loss == "squared" else cross_entropy
    n_samples, n_parameters = len(X), len(weights)
    activation, jacobian = output(weights, X, n_neurons, jacobian=True)
    data, slope, curvature = error(activation, sign)
    size = weights @ weights
    beta = 1.0
    if loss == "squared" and n_samples > n_parameters:
        beta = (n_samples - n_parameters) / (2 * data)
    alpha = FIRST_ALPHA
    damping, objective = DAMPING, []
    for _ in range(max_iter):
        eigenvalues, vectors = np.linalg.eigh((jacobian.T * curvature) @ jacobian)
        eigenvalues = np.maximum(eigenvalues, 0)
        gradient = vectors.T @ (beta * (jacobian.T @ slope) + 2 * alpha * weights)
        before = beta * data + alpha * size
        # One factorisation serves all damping values.
        while damping <= MAX_DAMPING:
            step = gradient / (beta * eigenvalues + 2 * (alpha + damping))
            trial = weights - vectors @ step
            after = beta * error(output(trial, X, n_neurons), sign)[0] + alpha * (trial @ trial)
            if after < before:
                break
            damping *= INCREASE
        else:
            break  # no step lowers the objective: a minimum within numerical precision
        weights, damping = trial, max(damping * DECREASE, 1e-20)
        activation, jacobian = output(weights, X, n_neurons, jacobian=True)
        data, slope, curvature = error(activation, sign)
        size = weights @ weights
        n_effective = (beta * eigenvalues / (beta * eigenvalues + 2 * alpha)).sum()
        objective.append(after)
        alpha = np.sqrt(alpha * n_effective / (2 * max(size, 1e-300)))
        if loss == "squared":
            beta = max(n_samples - n_effective, 1e-3) / (2 * max(data, MIN_NOISE * n_samples))
        if len(objective) > 3 and np.abs(np.diff(objective[-4:])).max() < tol:
            break
    hessian = (jacobian.T * curvature) @ jacobian
    eigenvalues = np.maximum(np.linalg.eigvalsh(hessian), 0)
    log_evidence = (
        -beta * data - alpha * size - 0.5 * np.log1p(beta * eigenvalues / (2 * alpha)).sum()
    )
    if loss == "squared":
        log_evidence += 0.5 * n_samples * np.log(beta / np.pi)
    n_effective = (beta * eigenvalues / (beta * eigenvalues + 2 * alpha)).sum()
    hessian = beta * hessian + 2 * alpha * np.eye(n_parameters)
    return Solution(weights, alpha, beta, n_effective, hessian, log_evidence, objective)
