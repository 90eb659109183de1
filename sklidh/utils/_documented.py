"""Links from scikit-learn's estimator diagrams to this package's documentation."""

import os
from functools import cache
from importlib.metadata import metadata


@cache
def documentation() -> str:
    """Return the address of the documentation, or an empty string.

    The address is ``$SKLIDH_DOCS`` if set (for example a copy within a hospital, or one built by
    ``make docs``); otherwise the URL "Documentation" of the package's metadata.

    Returns
    -------
    str
        Address without a trailing slash.
    """
    if address := os.environ.get("SKLIDH_DOCS"):
        return address.rstrip("/")
    for each in metadata("sklidh").get_all("Project-URL", ()):
        label, _, url = each.partition(",")
        if label.strip().lower() == "documentation":
            return url.strip().rstrip("/")
    return ""


class DocumentedMixin:
    """Link the "?" of an estimator's diagram to its reference page.

    The mixin must precede BaseEstimator, which builds the link from the package that the estimator
    is imported from. If the address of the documentation is unknown, the diagram has no "?".
    """

    @property
    def _doc_link_module(self):
        return "sklidh" if documentation() else ""

    @property
    def _doc_link_template(self):
        return f"{documentation()}/generated/{{estimator_module}}.{{estimator_name}}.html"
