"""Every timing of benchmarks/speed runs once, at its smallest size; asv itself is not needed."""

import importlib.util
import inspect
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "benchmarks" / "speed" / "stages.py"


def stages():
    spec = importlib.util.spec_from_file_location("stages", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TIMINGS = [
    (item, name)
    for item in vars(stages()).values()
    if inspect.isclass(item)
    for name in dir(item)
    if name.startswith("time_") and item.__module__ == "stages"
]


@pytest.mark.parametrize(
    ("timed", "name"), TIMINGS, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_timing_runs_at_its_smallest_size(timed, name):
    benchmark, smallest = timed(), [values[0] for values in timed.params]
    benchmark.setup(*smallest)
    getattr(benchmark, name)(*smallest)
    getattr(benchmark, "teardown", lambda *_: None)(*smallest)
