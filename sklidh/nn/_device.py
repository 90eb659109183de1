"""The device that a network works on, its random state, and too little memory on it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sklidh.nn._threads import OneThread

# torch's random state belongs to the whole process.
_ONE_AT_A_TIME = threading.RLock()


def choose_device(device):
    """Return the device to work on.

    Parameters
    ----------
    device : str
        "auto", or a name that torch knows: "cpu", "cuda", "cuda:1", "mps". "auto" takes an NVIDIA
        GPU where there is one, then Apple's, then the CPU.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        torch knows no such device, or finds none on this machine.
    """
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    found = ["cuda", *gpus] if gpus else []
    found += ["mps", "cpu"] if torch.backends.mps.is_available() else ["cpu"]
    if device == "auto":
        return found[0]
    if device not in found:
        raise ValueError(
            f"device={device!r}, but torch {torch.__version__} finds no such device on this "
            f"machine, only {', '.join(found)}; use one of these or device='auto', or install a "
            "build of torch for your GPU"
        )
    return device


@contextmanager
def fenced(seed=None, device="cpu") -> Iterator[None]:
    """Seed torch inside the block, let it use one thread there, and leave no trace outside.

    The random states of the CPU and of the device in use are restored; other GPUs are not touched.
    """
    device = torch.device(device)
    devices = [device] if device.type == "cuda" else []
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices), OneThread():
        if seed is not None:
            torch.manual_seed(seed)
        yield


@contextmanager
def explained(device, batch_size) -> Iterator[None]:
    """Say what to do where the device's memory is too small."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(
            f"device={device!r} has too little memory for batch_size={batch_size}; lower "
            "batch_size, or use device='cpu'"
        ) from error


def tensors(inputs, device):
    """Return images, or images and columns, as tensors on a device."""
    if isinstance(inputs, tuple):
        return tuple(torch.as_tensor(each, device=device) for each in inputs)
    return torch.as_tensor(inputs, device=device)
