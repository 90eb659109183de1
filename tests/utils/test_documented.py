"""Estimator diagrams link to the reference pages of the documentation."""

from email.message import Message
from importlib import import_module
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from sklidh import MannWhitneySelector, make_idh_pipeline
from sklidh.utils import _documented

REFERENCE = (Path(__file__).parents[2] / "docs" / "api.rst").read_text().split()


def public_estimators():
    for name in REFERENCE:
        module, _, attribute = name.rpartition(".")
        if module.startswith("sklidh."):
            found = getattr(import_module(module), attribute, None)
            if isinstance(found, type) and issubclass(found, BaseEstimator):
                yield found


@pytest.fixture
def address(monkeypatch):
    """Set an address in the package's metadata, and return it."""
    metadata = Message()
    metadata["Project-URL"] = "Source, https://example.org/source"
    metadata["Project-URL"] = "Documentation, https://example.org/docs/"
    monkeypatch.setattr(_documented, "metadata", lambda package: metadata)
    monkeypatch.delenv("SKLIDH_DOCS", raising=False)
    _documented.documentation.cache_clear()
    yield "https://example.org/docs"
    _documented.documentation.cache_clear()


@pytest.mark.parametrize(
    "estimator", list(public_estimators()), ids=lambda estimator: estimator.__name__
)
def test_every_estimator_has_a_link_to_its_page(estimator, address):
    page = estimator.__new__(estimator)._get_doc_link()
    assert page.startswith(f"{address}/generated/")
    assert page.removeprefix(f"{address}/generated/").removesuffix(".html") in REFERENCE


def test_the_diagram_of_a_pipeline_has_the_links_of_all_its_steps(address):
    html = make_idh_pipeline(preset="paper")._repr_html_()
    for name in (
        "images.RigidRegistration",
        "selection.LassoCVSelector",
        "features.SANetFeaturizer",
    ):
        assert f"{address}/generated/sklidh.{name}.html" in html
    assert "https://scikit-learn.org/" in html, "scikit-learn's own steps keep theirs"


def test_the_environment_variable_overrides_the_package_s_address(address, monkeypatch):
    monkeypatch.setenv("SKLIDH_DOCS", "http://localhost:8000/")
    _documented.documentation.cache_clear()
    page = MannWhitneySelector()._get_doc_link()
    assert page == "http://localhost:8000/generated/sklidh.selection.MannWhitneySelector.html"


def test_without_an_address_there_is_no_link(address, monkeypatch):
    monkeypatch.setattr(_documented, "metadata", lambda package: Message())
    _documented.documentation.cache_clear()
    assert MannWhitneySelector()._get_doc_link() == ""
    assert LogisticRegression()._get_doc_link().startswith("https://scikit-learn.org/")
