"""The networks on a device that is not the CPU, in a process of their own.

Torch prepares its automatic differentiation for the devices that exist when it first runs, so a
stub device must be registered before any other test has trained anything.
"""

import subprocess
import sys
from pathlib import Path


def test_networks_on_a_stub_device():
    checks = Path(__file__).with_name("accelerators.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(checks)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
