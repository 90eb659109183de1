"""`sklidh info` and `sklidh cache`: what is installed, and what is kept between runs."""

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated

import joblib

from sklidh.cli.command import MACHINE, command
from sklidh.cli.console import say
from sklidh.cli.options import option
from sklidh.utils import cache_content, cache_folder, clear_cache

PACKAGES = (
    "sklidh", "numpy", "scipy", "scikit-learn", "pandas", "torch", "skorch", "SimpleITK", "numba",
    "skops", "safetensors", "pyradiomics", "pydicom", "openpyxl",
)  # fmt: skip


@command("sklidh info --json", panel=MACHINE)
def info():
    """Show versions, cores, GPU, radiomics engines and the cache."""
    import torch

    content = cache_content()
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: installed(name) for name in PACKAGES},
        "cores": joblib.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "engines": ["native", *(["pyradiomics"] if find_spec("radiomics") else [])],
        "cache": str(cache_folder(None, "").absolute()),
        "cache files": sum(n for n, _ in content.values()),
        "cache size": sum(size for _, size in content.values()),
    }
    shown = facts | {name: seen or "not installed" for name, seen in facts["packages"].items()}
    shown |= {"gpu": facts["gpu"] or "none found", "engines": ", ".join(facts["engines"])}
    shown["cache size"] = f"{facts['cache size'] / 1e6:.1f} MB"
    del shown["packages"]
    for name, text in shown.items():
        say(f"{name:<14} {text}")
    return facts


@command("sklidh cache", "sklidh cache --clear", panel=MACHINE)
def cache(
    *,
    clear: Annotated[
        bool, option("Delete all cached files; they are recreated when needed.", "--clear")
    ] = False,
):
    """Show the size of the cache (registered images and features), or clear it."""
    folder = cache_folder(None, "").absolute()
    content = clear_cache() if clear else cache_content()
    for name, (n_files, size) in content.items():
        say(f"{name:<14} {n_files} files, {size / 1e6:.1f} MB")
    n_files, size = (sum(each[place] for each in content.values()) for place in (0, 1))
    say(f"{n_files} files, {size / 1e6:.1f} MB {'deleted from' if clear else 'in'} {folder}")
    kinds = {name: {"files": n, "bytes": size} for name, (n, size) in content.items()}
    return {"cache": str(folder), "cleared": clear, "content": kinds}


def installed(package: str) -> str | None:
    """Return the version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
