"""Networks in plain torch, independent of scikit-learn; modules are imported on first use."""

from importlib import import_module

# Public name -> private module.
_PUBLIC = {
    "SAN": "_san",
    "PairwiseAttention": "_attention",
}

__all__ = [*_PUBLIC]


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sklidh.nn' has no attribute {name!r}")
    return getattr(import_module(f"sklidh.nn.{_PUBLIC[name]}"), name)


def __dir__():
    return sorted([*globals(), *_PUBLIC])
