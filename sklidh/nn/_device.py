"""Device of a network, isolated random state, and errors of insufficient memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sklidh.nn._threads import OneThread

# torch's random state is global to the process.
_LOCK = threading.RLock()


def choose_device(device):
    """Return the device to use.

    Parameters
    ----------
    device : str
        "auto" or a torch device: "cpu", "cuda", "cuda:1", "mps". "auto" uses an NVIDIA GPU if
        available, otherwise an Apple GPU, otherwise the CPU.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        The device does not exist, or is not available on this machine.
    """
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    found = ["cuda", *gpus] if gpus else []
    found += ["mps", "cpu"] if torch.backends.mps.is_available() else ["cpu"]
    if device == "auto":
        return found[0]
    if device not in found:
        raise ValueError(
            f"device={device!r} is not available: torch {torch.__version__} finds only "
            f"{', '.join(found)} on this machine; use one of these or device='auto', or install a "
            "build of torch for your GPU"
        )
    return device


@contextmanager
def isolated_torch(seed=None, device="cpu") -> Iterator[None]:
    """Seed torch and limit it to one thread inside the block, without effects outside.

    The random states of the CPU and of the device in use are restored afterwards; other GPUs are
    not touched.
    """
    device = torch.device(device)
    devices = [device] if device.type == "cuda" else []
    with _LOCK, torch.random.fork_rng(devices), OneThread():
        if seed is not None:
            torch.manual_seed(seed)
        yield


@contextmanager
def memory_hint(device, batch_size) -> Iterator[None]:
    """Add a remedy to errors of insufficient device memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(
            f"device={device!r} has too little memory for batch_size={batch_size}; lower "
            "batch_size, or use device='cpu'"
        ) from error


def tensors(inputs, device):
    """Return images, or images and feature columns, as tensors on a device."""
    if isinstance(inputs, tuple):
        return tuple(torch.as_tensor(each, device=device) for each in inputs)
    return torch.as_tensor(inputs, device=device)
