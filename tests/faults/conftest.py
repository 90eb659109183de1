"""A child process that shares all that is loaded and compiled, and may be killed or fenced."""

import os
import pickle
import signal
import sys
import time

import pytest


class Child:
    """A forked process that calls a function and says what came of it."""

    def __init__(self, function, *arguments):
        self.reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                said = ("returned", function(*arguments))
            except BaseException as error:
                said = (type(error).__name__, str(error))
            os.write(writer, pickle.dumps(said))
            os._exit(0)
        os.close(writer)

    def kill(self):
        """Kill it, and tell whether it was still at work."""
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.reader)
        return os.WIFSIGNALED(status)

    def outcome(self):
        """Wait for its end; return ``("returned", value)`` or an exception's name and message."""
        with os.fdopen(self.reader, "rb") as file:
            said = file.read()
        os.waitpid(self.pid, 0)
        return pickle.loads(said) if said else ("died", "")


@pytest.fixture
def child():
    """Return the class, where a process can be forked."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        pytest.skip("this system cannot fork a process that has threads")
    return Child


@pytest.fixture
def seconds():
    """Return a function that measures a call."""

    def measure(call):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return measure
