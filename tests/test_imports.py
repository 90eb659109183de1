"""Importing sklidh is cheap, and every public name leads somewhere."""

import subprocess
import sys

import pytest

import sklidh

HEAVY = ("torch", "skorch", "SimpleITK", "numba", "matplotlib", "radiomics")


def loaded_after(statement):
    code = f"{statement}; import sys; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_importing_sklidh_loads_nothing_heavy():
    assert not loaded_after("import sklidh") & set(HEAVY)


def test_no_stage_loads_torch_before_it_is_needed():
    stages = ["images", "features", "selection", "fusion", "datasets"]
    loaded = loaded_after("; ".join(f"import sklidh.{stage}" for stage in stages))
    assert {f"sklidh.{stage}" for stage in stages} < loaded
    assert "torch" not in loaded


@pytest.mark.parametrize("name", sklidh.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sklidh, name) is not None
    assert name in dir(sklidh)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sklidh.nothing  # noqa: B018
