"""The command `sklidh info`: what is installed, what the machine has, what the cache holds."""

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import joblib

from sklidh.cli._output import console

PACKAGES = (
    "sklidh", "numpy", "scipy", "scikit-learn", "pandas", "torch", "skorch", "SimpleITK", "numba",
    "skops", "safetensors", "pyradiomics", "pydicom",
)  # fmt: skip


def tell_info() -> dict:
    """Print and return the facts that an answer to a bug report starts from.

    Returns
    -------
    dict
        ``python``, ``platform``, ``packages``, ``cores``, ``gpu``, ``engines``, ``cache`` and its
        ``cache size`` in bytes.
    """
    import torch

    from sklidh.utils import cache_folder

    root = cache_folder(None, "").absolute()
    files = [path for path in root.rglob("*") if path.is_file()]
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "cores": joblib.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "engines": ["native", *(["pyradiomics"] if find_spec("radiomics") else [])],
        "cache": str(root),
        "cache files": len(files),
        "cache size": sum(path.stat().st_size for path in files),
    }
    for name, value in facts.items():
        if name == "packages":
            for package, seen in value.items():
                console.print(f"{package:<14} {seen or 'not installed'}", highlight=False)
        elif name == "cache size":
            console.print(f"{name:<14} {value / 1e6:.1f} MB", highlight=False)
        else:
            text = ", ".join(value) if isinstance(value, list) else value
            console.print(
                f"{name:<14} {'none found' if text is None else text}",
                highlight=False,
                soft_wrap=True,
            )
    return facts


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
