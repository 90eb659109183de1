"""Calibration and net benefit: identities and simulated probabilities."""

import numpy as np
import pytest
from scipy.special import expit, logit

from sklidh.evaluation import calibration_line, decision_curve


def drawn(n=20000, seed=0):
    rng = np.random.default_rng(seed)
    probability = expit(rng.normal(-0.5, 1.5, n))
    return rng.random(n) < probability, probability


def test_true_probabilities_have_slope_1_and_intercept_0():
    assert calibration_line(*drawn()) == pytest.approx((1, 0), abs=0.05)


@pytest.mark.parametrize(("slope", "shift"), [(2.0, 0.0), (0.5, 0.0), (1.0, 0.7)])
def test_slope_and_intercept_recover_a_known_distortion(slope, shift):
    y, probability = drawn()
    found = calibration_line(y, expit(slope * logit(probability) - shift))
    assert found[0] == pytest.approx(1 / slope, rel=0.05)
    if slope == 1:
        assert found[1] == pytest.approx(shift, abs=0.05)


def test_with_the_intercept_the_mean_prediction_is_the_prevalence():
    y, probability = drawn(300)
    _, intercept = calibration_line(y, probability)
    assert expit(logit(probability) + intercept).mean() == pytest.approx(y.mean())


def test_the_slope_is_infinite_for_separated_classes_and_nan_for_a_constant():
    assert calibration_line([0, 0, 1, 1], [0.1, 0.2, 0.6, 1.0])[0] == np.inf
    assert calibration_line([1, 1, 0, 0], [0.1, 0.2, 0.6, 0.9])[0] == -np.inf
    slope, intercept = calibration_line([0, 0, 0, 1], [0.5] * 4)
    assert np.isnan(slope)
    assert intercept == pytest.approx(logit(0.25))


def test_net_benefit_follows_its_formula_patient_by_patient():
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 2, 50), np.round(rng.random(50), 2)
    curve = decision_curve(y, {"model": p}, thresholds=[0.2, 0.37, 0.8])
    for t, benefit in curve["model"].items():
        worth = [
            0 if p_i < t else 1 if y_i else -t / (1 - t) for y_i, p_i in zip(y, p, strict=True)
        ]
        assert benefit == pytest.approx(np.mean(worth))


def test_act_on_all_and_act_on_none_equal_constant_models():
    y = np.array([0, 1, 1, 0, 0])
    curve = decision_curve(y, {"sure": np.ones(5), "never": np.zeros(5)})
    np.testing.assert_allclose(curve["sure"], curve["act on all"])
    np.testing.assert_allclose(curve["never"], curve["act on none"])
    at_prevalence = decision_curve(y, {"sure": np.ones(5)}, thresholds=[0.4])
    assert at_prevalence.loc[0.4, "act on all"] == pytest.approx(0, abs=1e-12)


def test_names_of_reference_curves_are_reserved():
    curve = decision_curve([0, 1], {"all": [0.1, 0.9], "none": [0.5, 0.5]}, thresholds=[0.6])
    assert curve.loc[0.6, ["all", "none", "act on none"]].tolist() == [0.5, 0, 0]
    with pytest.raises(ValueError, match="a model cannot be named 'act on all'"):
        decision_curve([0, 1], {"act on all": [0.1, 0.9]})


def test_thresholds_of_0_and_1_are_refused():
    with pytest.raises(ValueError, match="above 0 and below 1"):
        decision_curve([0, 1], {"model": [0.1, 0.9]}, thresholds=[0.0, 0.5])
