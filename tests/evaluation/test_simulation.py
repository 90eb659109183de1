"""On simulated cohorts, intervals and tests have the stated coverage and error rate."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from sklidh.evaluation import Comparison, Evaluation

PATH = Path(__file__).parents[2] / "benchmarks" / "intervals.py"
N_COHORTS = 200


@pytest.fixture(scope="module")
def simulated():
    spec = importlib.util.spec_from_file_location("intervals", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def margin(rate):
    """2.6 standard errors of a rate: chance exceeds them in 1 of 200 runs."""
    return 2.6 * np.sqrt(rate * (1 - rate) / N_COHORTS)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "coverage"), [(60, 0.92), (108, 0.94)])
@pytest.mark.parametrize("scenario", ["no signal", "weak"])
def test_the_interval_of_a_cross_validation_covers_the_models_mean_auc(
    simulated, n, coverage, scenario
):
    rng, held, widths = np.random.default_rng(n), 0, []
    for _ in range(N_COHORTS):
        X, y = simulated.draw(rng, n, simulated.SCENARIOS[scenario])
        fold = simulated.deal(rng, y)
        table, auc, _ = simulated.cross_validated(X, y, fold, simulated.SCENARIOS[scenario])
        low, high = Evaluation(table).auc_interval
        held += low <= auc <= high
        widths.append(high - low)
    assert held / N_COHORTS >= coverage - margin(coverage)
    assert np.mean(widths) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 108])
def test_equally_good_models_differ_significantly_in_at_most_7_percent(simulated, n):
    rng, weak, rejected = np.random.default_rng(n), simulated.SCENARIOS["weak"], 0
    for _ in range(N_COHORTS):
        (X, y), (other, _) = simulated.draw(rng, n, weak), simulated.draw(rng, n, weak)
        fold = simulated.deal(rng, y)
        tables = [simulated.cross_validated(columns, y, fold, weak)[0] for columns in (X, other)]
        models = dict(zip("ab", map(Evaluation, tables), strict=True))
        row = Comparison(models).tests().iloc[0]
        assert (row["p"] < 0.05) == (row["low"] > 0 or row["high"] < 0)
        rejected += row["p"] < 0.05
    assert rejected / N_COHORTS <= 0.07 + margin(0.07)
