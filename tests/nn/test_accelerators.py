"""The networks on a device that is not the CPU, in a process of their own.

Torch prepares its automatic differentiation for the devices that exist when it first runs, so a
stub device must be registered before any other test has trained anything.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this version of torch has no backends in Python",
)
def test_networks_on_a_stub_device():
    checks = Path(__file__).with_name("accelerators.py")
    # Without plugins and other fixtures, which would take longer than the checks.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, str(checks)], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stdout
