"""`sklidh info` and `sklidh cache`: what is installed, and what is kept between runs."""

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated

import joblib
import typer

from sklidh.cli.command import MACHINE, command
from sklidh.cli.console import console

PACKAGES = (
    "sklidh", "numpy", "scipy", "scikit-learn", "pandas", "torch", "skorch", "SimpleITK", "numba",
    "skops", "safetensors", "pyradiomics", "pydicom", "openpyxl",
)  # fmt: skip


@command("sklidh info --json", panel=MACHINE)
def info():
    """Show versions, cores, GPU, radiomics engines and the cache."""
    import torch

    from sklidh.utils import cache_content, cache_folder

    content = cache_content()
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "cores": joblib.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "engines": ["native", *(["pyradiomics"] if find_spec("radiomics") else [])],
        "cache": str(cache_folder(None, "").absolute()),
        "cache files": sum(n for n, _ in content.values()),
        "cache size": sum(size for _, size in content.values()),
    }
    for package, seen in facts["packages"].items():
        console.print(f"{package:<14} {seen or 'not installed'}", highlight=False)
    for name, value in facts.items():
        if name != "packages":
            text = ", ".join(value) if isinstance(value, list) else value
            text = f"{value / 1e6:.1f} MB" if name == "cache size" else text
            text = "none found" if text is None else text
            console.print(f"{name:<14} {text}", highlight=False, soft_wrap=True)
    return facts


@command("sklidh cache", "sklidh cache --clear", panel=MACHINE)
def cache(
    *,
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Delete all cached files; they are recreated when needed."),
    ] = False,
):
    """Show the size of the cache (registered images and features), or clear it."""
    from sklidh.utils import cache_content, cache_folder, clear_cache

    folder = cache_folder(None, "").absolute()
    content = clear_cache() if clear else cache_content()
    for name, (n_files, size) in content.items():
        console.print(f"{name:<14} {n_files} files, {size / 1e6:.1f} MB", highlight=False)
    n_files, size = (sum(each[place] for each in content.values()) for place in (0, 1))
    done = "deleted from" if clear else "in"
    console.print(
        f"{n_files} files, {size / 1e6:.1f} MB {done} {folder}", highlight=False, soft_wrap=True
    )
    kinds = {name: {"files": n, "bytes": size} for name, (n, size) in content.items()}
    return {"cache": str(folder), "cleared": clear, "content": kinds}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
