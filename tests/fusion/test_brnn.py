"""The Bayesian-regularised network follows the evidence framework and ignores noise."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklidh.fusion import BRNNClassifier
from sklidh.fusion._evidence import (
    cross_entropy,
    minimise,
    nguyen_widrow,
    output,
    squared_error,
)

LOSSES = ["squared", "log_loss"]


@parametrize_with_checks([BRNNClassifier(), BRNNClassifier(loss="log_loss")])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def overlapping():
    """366 patients and 7 columns, like the paper's training set and its largest block."""
    return make_classification(
        366, 7, n_informative=4, n_redundant=1, flip_y=0.25, class_sep=0.7, random_state=0
    )


@pytest.fixture(scope="module")
def noise():
    generator = np.random.default_rng(0)
    return generator.normal(size=(366, 7)), generator.integers(0, 2, 366)


def test_jacobian_is_that_of_finite_differences():
    random_state = np.random.RandomState(0)
    weights = nguyen_widrow(3, 4, random_state)
    X = random_state.normal(size=(6, 4))
    activation, jacobian = output(weights, X, 3, jacobian=True)
    np.testing.assert_array_equal(activation, output(weights, X, 3))
    step = 1e-6
    numeric = [
        (output(weights + unit, X, 3) - output(weights - unit, X, 3)) / (2 * step)
        for unit in np.eye(len(weights)) * step
    ]
    np.testing.assert_allclose(jacobian, np.transpose(numeric), atol=1e-9)


@pytest.mark.parametrize("error", [squared_error, cross_entropy])
def test_slope_and_curvature_are_the_derivatives_of_the_error(error):
    a, sign, step = np.linspace(-3, 3, 7), np.array([1.0, -1, 1, 1, -1, -1, 1]), 1e-5
    _, slope, curvature = error(a, sign)
    units = np.eye(7) * step
    numeric = [(error(a + u, sign)[0] - error(a - u, sign)[0]) / (2 * step) for u in units]
    np.testing.assert_allclose(slope, numeric, atol=1e-8)
    numeric = [(error(a + u, sign)[1] - error(a - u, sign)[1]).sum() / (2 * step) for u in units]
    np.testing.assert_allclose(curvature, numeric, atol=1e-8)


def test_cross_entropy_stays_finite_for_certain_outputs():
    loss, slope, curvature = cross_entropy(np.array([1e4, -1e4]), np.array([1.0, 1.0]))
    assert loss == pytest.approx(1e4)
    assert np.isfinite(slope).all()
    assert (curvature > 0).all()


def test_nguyen_widrow_gives_every_neuron_the_same_length():
    weights = nguyen_widrow(5, 3, np.random.RandomState(0))
    W = weights[:15].reshape(5, 3)
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 0.7 * 5 ** (1 / 3))
    assert len(weights) == 5 * (3 + 2) + 1


@pytest.mark.parametrize("loss", LOSSES)
def test_solution_is_a_stationary_point_of_the_evidence(overlapping, loss):
    X, y = overlapping
    X, sign = X / np.abs(X).max(0), 2.0 * y - 1
    start = nguyen_widrow(2, 7, np.random.RandomState(0))
    found = minimise(X, sign, 2, loss, weights=start, max_iter=2000, tol=1e-10)
    activation, jacobian = output(found.weights, X, 2, jacobian=True)
    error = squared_error if loss == "squared" else cross_entropy
    data, slope, _ = error(activation, sign)
    gradient = found.beta * jacobian.T @ slope + 2 * found.alpha * found.weights
    assert np.abs(gradient).max() < 1e-3
    # MacKay's conditions: 2 alpha E_W = gamma and 2 beta E_D = n - gamma.
    size = found.weights @ found.weights
    assert 2 * found.alpha * size == pytest.approx(found.n_effective, rel=1e-4)
    if loss == "squared":
        assert 2 * found.beta * data == pytest.approx(len(X) - found.n_effective, rel=1e-4)
    else:
        assert found.beta == 1


@pytest.mark.parametrize("loss", LOSSES)
def test_effective_parameters_are_the_trace_of_the_textbook(overlapping, loss):
    brnn = BRNNClassifier(loss=loss, random_state=0).fit(*overlapping)
    inverse = np.linalg.inv(brnn._hessian)
    by_trace = len(brnn.weights_) - 2 * brnn.alpha_ * np.trace(inverse)
    assert brnn.n_effective_parameters_ == pytest.approx(by_trace)
    assert 0 < brnn.n_effective_parameters_ < len(brnn.weights_) == 2 * (7 + 2) + 1


@pytest.mark.parametrize("loss", LOSSES)
def test_few_parameters_are_effective_on_noise(overlapping, noise, loss):
    informed = BRNNClassifier(loss=loss, random_state=0).fit(*overlapping)
    ignorant = BRNNClassifier(loss=loss, random_state=0).fit(*noise)
    assert informed.n_effective_parameters_ > 12
    assert ignorant.n_effective_parameters_ < 6
    spread = ignorant.predict_proba(noise[0])[:, 1].std()
    assert spread < 0.1 < informed.predict_proba(overlapping[0])[:, 1].std()


@pytest.mark.parametrize(("loss", "least"), [("squared", 0.975), ("log_loss", 0.99)])
def test_breast_cancer_is_classified(loss, least):
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    brnn = BRNNClassifier(loss=loss, random_state=0)
    X, y = load_breast_cancer(return_X_y=True)
    assert cross_val_score(brnn, X, y, cv=folds, scoring="roc_auc").mean() >= least


def test_more_parameters_than_patients_do_not_overfit_noise(noise):
    X, y = noise
    brnn = BRNNClassifier(n_neurons=5, random_state=0).fit(X[:30], y[:30])
    assert len(brnn.weights_) > 30
    assert roc_auc_score(y[30:], brnn.decision_function(X[30:])) == pytest.approx(0.5, abs=0.1)
    assert brnn.n_effective_parameters_ < 30


@pytest.mark.parametrize("loss", LOSSES)
def test_scale_and_offset_of_a_column_do_not_matter(overlapping, loss):
    X, y = overlapping
    brnn = BRNNClassifier(loss=loss, random_state=0)
    expected = brnn.fit(X, y).predict_proba(X)
    moved = X * [1e6, 1e-6, 1, 1, 1, 1, 1] + [0, 0, 1e3, 0, 0, 0, 0]
    np.testing.assert_allclose(brnn.fit(moved, y).predict_proba(moved), expected, atol=1e-6)


def test_constant_column_changes_only_the_number_of_parameters(overlapping):
    X, y = overlapping
    brnn = BRNNClassifier(random_state=0).fit(np.column_stack([X, np.full(len(X), 5.0)]), y)
    assert np.isfinite(brnn.weights_).all()
    assert brnn.score(np.column_stack([X, np.full(len(X), 5.0)]), y) > 0.65


def test_moderated_probabilities_are_nearer_to_one_half(overlapping):
    X, y = overlapping
    brnn = BRNNClassifier(loss="log_loss", random_state=0).fit(X[:60], y[:60])
    scaled = (X - brnn.centre_) / brnn.half_range_
    plain = 1 / (1 + np.exp(-output(brnn.weights_, scaled, 2)))
    moderated = brnn.predict_proba(X)[:, 1]
    assert (np.abs(moderated - 0.5) <= np.abs(plain - 0.5)).all()
    assert ((moderated > 0.5) == (plain > 0.5)).all()


def test_the_start_with_the_largest_evidence_is_kept(overlapping):
    several = BRNNClassifier(n_init=4, random_state=0).fit(*overlapping)
    random_state = np.random.RandomState(0)
    alone = [BRNNClassifier(n_init=1, random_state=random_state).fit(*overlapping) for _ in "1234"]
    assert several.log_evidence_ == max(brnn.log_evidence_ for brnn in alone)


def test_refitting_and_cloning_give_the_same_network(overlapping):
    brnn = BRNNClassifier(random_state=0).fit(*overlapping)
    again = clone(brnn).fit(*overlapping)
    np.testing.assert_array_equal(brnn.weights_, again.weights_)


def test_too_few_steps_are_warned_of(overlapping):
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        BRNNClassifier(max_iter=2, random_state=0).fit(*overlapping)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BRNNClassifier(random_state=0).fit(*overlapping)


@pytest.mark.parametrize("loss", ["squared", "log_loss"])
def test_each_of_several_classes_has_the_network_of_that_class_against_the_rest(loss):
    X, y = load_iris(return_X_y=True)
    brnn = BRNNClassifier(loss=loss, random_state=0).fit(X, y)
    each = [BRNNClassifier(loss=loss, random_state=0).fit(X, y == label) for label in range(3)]
    np.testing.assert_array_equal(brnn.weights_, [network.weights_ for network in each])
    np.testing.assert_array_equal(brnn.beta_, [network.beta_ for network in each])
    activation = np.column_stack([network.decision_function(X) for network in each])
    np.testing.assert_array_equal(brnn.decision_function(X), activation)
    second = np.column_stack([network.predict_proba(X)[:, 1] for network in each])
    expected = second / second.sum(1, keepdims=True)
    np.testing.assert_allclose(brnn.predict_proba(X), expected, atol=1e-12)
    assert brnn.score(X, y) > 0.95


def test_the_order_of_the_classes_does_not_matter():
    X, y = load_iris(return_X_y=True)
    order = np.array([2, 0, 1])
    brnn = BRNNClassifier(random_state=0).fit(X, y)
    other = BRNNClassifier(random_state=0).fit(X, order[y])
    np.testing.assert_allclose(other.predict_proba(X)[:, order], brnn.predict_proba(X), atol=1e-14)
    np.testing.assert_array_equal(other.predict(X), order[brnn.predict(X)])


def test_a_single_class_is_refused(overlapping):
    with pytest.raises(ValueError, match="y has only one class, 0, in"):
        BRNNClassifier().fit(overlapping[0], np.zeros(len(overlapping[0]), int))
