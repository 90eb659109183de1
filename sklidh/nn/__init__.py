"""The networks, in torch alone; knows no estimator. Names are loaded when first asked for."""

from importlib import import_module

# Name -> the private module it lives in.
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
