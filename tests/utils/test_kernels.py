"""Functions compile in any installation, and are cached where a folder is writable."""

import os
import subprocess
import sys

MODULE = """
from sklidh.utils import kernel

@kernel
def double(x):
    return 2 * x

@kernel(error_model="numpy")
def inverse(x):
    return 1 / x

print(double(4), inverse(0.0))
"""


def run(tmp_path, **variables):
    (tmp_path / "loops.py").write_text(MODULE)
    # A file in place of numba's folder: not even root can write there.
    (tmp_path / "__pycache__").write_text("")
    env = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    env |= {"HOME": str(tmp_path / "loops.py"), "PYTHONPATH": os.pathsep.join(sys.path)}
    env.pop("SKLIDH_CACHE", None)
    return subprocess.run(
        [sys.executable, "-B", tmp_path / "loops.py"],
        capture_output=True,
        text=True,
        check=True,
        env=env | variables,
    ).stdout.strip()


def test_functions_are_compiled_without_a_writable_folder(tmp_path):
    assert run(tmp_path) == "8 inf"


def test_machine_code_is_stored_in_the_cache_of_the_package(tmp_path):
    assert run(tmp_path, SKLIDH_CACHE=str(tmp_path / "cache")) == "8 inf"
    kept = {file.name.split("-")[0] for file in (tmp_path / "cache").rglob("*.nbi")}
    assert kept == {"loops.double", "loops.inverse"}


def test_functions_are_compiled_if_the_cache_is_not_writable_either(tmp_path):
    assert run(tmp_path, SKLIDH_CACHE=str(tmp_path / "loops.py" / "cache")) == "8 inf"
