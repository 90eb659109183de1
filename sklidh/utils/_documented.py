"""Links from scikit-learn's diagrams to this package's documentation."""

import os
from functools import cache
from importlib.metadata import metadata


@cache
def documentation() -> str:
    """Return where the documentation is, or an empty text.

    It is where ``$SKLIDH_DOCS`` says, such as a copy within a hospital or one that ``make docs``
    built; otherwise "Documentation" of the package's URLs.

    Returns
    -------
    str
        Without a slash at the end.
    """
    if told := os.environ.get("SKLIDH_DOCS"):
        return told.rstrip("/")
    for each in metadata("sklidh").get_all("Project-URL", ()):
        label, _, url = each.partition(",")
        if label.strip().lower() == "documentation":
            return url.strip().rstrip("/")
    return ""


class DocumentedMixin:
    """Let the "?" of an estimator's diagram lead to its page of the reference.

    Stands left of BaseEstimator, which does the rest: the page is called by the package that the
    estimator is imported from. Where nobody has said where the documentation is, there is no "?",
    rather than a link to nowhere.
    """

    @property
    def _doc_link_module(self):
        return "sklidh" if documentation() else ""

    @property
    def _doc_link_template(self):
        return f"{documentation()}/generated/{{estimator_module}}.{{estimator_name}}.html"
