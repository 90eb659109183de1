"""Every public object says what it takes, gives and raises, and the reference lists it."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from numpydoc.validate import validate

PACKAGES = [
    "sklidh",
    "sklidh.baselines",
    "sklidh.datasets",
    "sklidh.evaluation",
    "sklidh.features",
    "sklidh.fusion",
    "sklidh.images",
    "sklidh.nn",
    "sklidh.persistence",
    "sklidh.pipeline",
    "sklidh.plotting",
    "sklidh.radiomics",
    "sklidh.reporting",
    "sklidh.selection",
    "sklidh.utils",
    "sklidh.utils.estimator_checks",
]

ACCEPTED = {
    "EX01",  # an example where it helps, not on every function
    "ES01",  # no extended summary where the first line says all
    "SA01",  # "See Also" is the documentation's index, not every docstring's
    "GL01",  # the summary starts on the line of the quotes, as ruff formats it
    "GL08",  # a missing docstring is reported by name below
    "RT03",  # a return value named by its type needs no sentence
    "RT02",  # one returned value may be named
    "PR06",  # "str or path" is clearer than Python's type names
    "PR07",  # a parameter such as X is described by its shape
    "PR08",  # a description may start with a symbol
    "PR09",  # ... and end with one
    "SS06",  # a summary of one line is checked by ruff's line length
    "YD01",  # context managers yield what their summary says
}


def public_objects():
    found = {}
    for package in PACKAGES:
        module = import_module(package)
        for name in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
            item = getattr(module, name)
            home = getattr(item, "__module__", "") or ""
            if not callable(item) or not home.startswith("sklidh"):
                continue
            found[f"{home}.{item.__qualname__}"] = item
            if inspect.isclass(item):
                for member, value in vars(item).items():
                    if not member.startswith("_") and inspect.isfunction(value):
                        found[f"{home}.{item.__qualname__}.{member}"] = value
    return found


@pytest.mark.parametrize("path", sorted(public_objects()))
def test_docstring_follows_numpydoc(path):
    report = validate(path)
    assert report["docstring"], f"{path} has no docstring"
    problems = [f"{code}: {text}" for code, text in report["errors"] if code not in ACCEPTED]
    assert not problems, f"{path}: " + "; ".join(problems)


def test_every_public_function_tells_the_type_of_what_it_returns():
    # Methods follow scikit-learn, whose estimators have no annotations.
    silent = [
        path
        for path, item in public_objects().items()
        if inspect.isfunction(item) and "." not in item.__qualname__
        if "return" not in item.__annotations__
    ]
    assert not silent


def test_the_reference_lists_every_public_class_and_function():
    text = (Path(__file__).parents[1] / "docs" / "api.rst").read_text()
    names = re.findall(r"^   (sklidh[\w.]*)\.(\w+)$", text, re.MULTILINE)
    listed = [getattr(import_module(package), name) for package, name in names]
    public = {path: item for path, item in public_objects().items() if "." not in item.__qualname__}
    assert [path for path, item in public.items() if item not in listed] == []
