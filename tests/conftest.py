"""What the tests share: a cache of their own, and one small cohort of phantoms."""

import os
import shutil
import tempfile

import pytest


def pytest_configure(config):
    """Keep cached files, those of the doctests too, out of the user's home."""
    os.environ["SKLIDH_CACHE"] = tempfile.mkdtemp(prefix="sklidh-tests-")


def pytest_unconfigure(config):
    shutil.rmtree(os.environ["SKLIDH_CACHE"], ignore_errors=True)


def pytest_collection_modifyitems(items):
    """Start with the slow tests, so that no worker is left alone with one at the end.

    Coverage does not watch them, nor scikit-learn's checks of estimators: watching takes time, and
    what they run, others run too.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        is_check = "check" in getattr(getattr(item, "callspec", None), "params", ())
        if is_check or item.get_closest_marker("slow"):
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """Return (X, y) of 12 phantoms, 5 of them mutants; 32 voxels of 2 mm a side."""
    from sklidh.datasets import make_glioma_phantoms

    return make_glioma_phantoms(tmp_path_factory.mktemp("phantoms"), 12, size=32, spacing=2.0)


@pytest.fixture(scope="session")
def quick_selection():
    """Return the paper's three steps, the LASSO with 10 penalties in 3 folds, not 100 in 10."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklidh import CorrelationPruner, LassoCVSelector, MannWhitneySelector

    return make_pipeline(
        StandardScaler(),
        MannWhitneySelector(),
        CorrelationPruner(random_state=0),
        LassoCVSelector(cv=3, alphas=10, random_state=0),
    )
