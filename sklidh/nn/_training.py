"""Train a network: the one file that knows skorch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

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


def random_symmetry(images):
    """Turn and mirror each image by one of the square's eight symmetries, drawn at random.

    Parameters
    ----------
    images : Tensor of shape (n_images, n_channels, size, size)
    """
    moves = (lambda x: x.flip(-1)), (lambda x: x.flip(-2)), (lambda x: x.mT)
    drawn = torch.rand(len(moves), len(images), 1, 1, 1, device=images.device) < 0.5
    for move, moved in zip(moves, drawn, strict=True):
        images = torch.where(moved, move(images), images)
    return images


class Batches:
    """Cut a data set in memory into batches.

    A last batch of a single image, which batch normalisation cannot normalise, joins the one
    before it.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Holds tensors: ``X``, images (n_images, n_channels, size, size) or a tuple of them and of
        columns (n_images, n_columns), and ``y`` (n_images,).
    batch_size : int
        Images a step.
    shuffle : bool, default=False
        Draw the order anew each epoch.
    augment : bool, default=False
        Pass each image through `random_symmetry`.
    """

    def __init__(self, dataset, batch_size, shuffle=False, augment=False):
        self.inputs, self.labels = dataset.X, dataset.y
        self.batch_size, self.shuffle, self.augment = batch_size, shuffle, augment

    def __iter__(self):
        n, device = len(self.labels), self.labels.device
        order = torch.randperm(n, device=device) if self.shuffle else torch.arange(n, device=device)
        starts = list(range(0, n, self.batch_size))
        if len(starts) > 1 and n - starts[-1] == 1:
            starts.pop()
        for start, stop in zip(starts, [*starts[1:], n], strict=True):
            rows = order[start:stop]
            images, *columns = self._take(rows)
            if self.augment:
                images = random_symmetry(images)
            yield (images, *columns) if columns else images, self.labels[rows]

    def _take(self, rows):
        inputs = self.inputs if isinstance(self.inputs, tuple) else (self.inputs,)
        return [each[rows] for each in inputs]


class EpochsFrom(Callback):
    """Let an iterator say when an epoch begins and when training ends; stop on a loss of NaN.

    Parameters
    ----------
    epochs : generator
        Advanced once an epoch; training stops where it does. It is what shows a progress bar or
        tells others.
    """

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_begin(self, net, **_):
        """Begin the first epoch."""
        next(self.epochs, None)

    def on_epoch_end(self, net, **_):
        """Begin the next epoch, or stop; a loss that is not finite is an error."""
        losses = np.array(net.history[-1, "batches", :, "train_loss"])
        if not np.isfinite(losses).all():
            raise FloatingPointError(
                f"the training loss became {losses[~np.isfinite(losses)][0]} in epoch "
                f"{len(net.history)} with lr={net.lr:g}; lower lr, or look for extreme intensities "
                "in the images"
            )
        if next(self.epochs, None) is None:
            raise KeyboardInterrupt  # skorch's sign for an orderly stop

    def on_train_end(self, net, **_):
        """Close the iterator, and pass on a Ctrl-C, which skorch takes for an orderly stop."""
        self.epochs.close()
        if "train_loss" not in net.history[-1]:
            raise KeyboardInterrupt


@torch.no_grad()
def average_normalisations(module, batches):
    """Replace the running averages of a network's batch normalisations by those of all images.

    `torch.optim.swa_utils.update_bn` counts every batch alike, so a last batch of two images
    would count as much as one of sixteen. Here each batch counts as many times as it has images.

    Parameters
    ----------
    module : torch.nn.Module
        Left in training mode.
    batches : iterable of (inputs, labels)
    """
    norms = {norm: norm.momentum for norm in module.modules() if isinstance(norm, _BatchNorm)}
    module.train()
    n_images = 0
    for inputs, labels in batches:
        n_images += len(labels)
        for norm in norms:
            norm.momentum = len(labels) / n_images  # the first batch replaces what is there
        module(inputs)
    for norm, momentum in norms.items():
        norm.momentum = momentum


class Network(NeuralNetClassifier):
    """skorch's classifier, which waits for a GPU once per epoch, not after every batch."""

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch; the losses of its batches are read when all are computed."""
        if iterator is None:
            return
        losses = []
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            losses.append(step["loss"].detach())
            self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
        rows = self.history[-1]["batches"][-len(losses) :]
        for row, loss in zip(rows, torch.stack(losses).tolist(), strict=True):
            row[f"{prefix}_loss"] = loss
        self.history.record(f"{prefix}_batch_count", len(losses))


def owner(module, parameters, **settings):
    """Return an owner of a network that is not made yet."""
    return Network(
        module,
        **{f"module__{name}": value for name, value in parameters.items()},
        criterion=nn.CrossEntropyLoss,
        iterator_train=Batches,
        train_split=None,
        verbose=0,
        **settings,
    )


def tensors(inputs, device):
    """Return images, or images and columns, as tensors on a device."""
    if isinstance(inputs, tuple):
        return tuple(torch.as_tensor(each, device=device) for each in inputs)
    return torch.as_tensor(inputs, device=device)


def train(
    module,
    inputs,
    labels,
    *,
    epochs,
    lr,
    batch_size,
    shuffle=False,
    augment=False,
    class_weight=None,
    device="cpu",
    callbacks=(),
    seed=None,
    **parameters,
):
    """Train a network to tell classes apart: Adam on the cross-entropy.

    The running averages of the batch normalisations trail behind the weights by some dozens of
    steps, which in a small cohort is the whole training. So once the weights are final, one more
    pass computes the averages over all images, and evaluation mode shows the trained network.

    Parameters
    ----------
    module : type
        A `torch.nn.Module` class, whose forward pass returns logits.
    inputs : ndarray of shape (n_images, n_channels, size, size), float32
        Or a tuple of images and columns, (n_images, n_columns), for a module that takes both.
    labels : ndarray of int, shape (n_images,)
        0 .. n_classes - 1.
    epochs : generator
        As in `EpochsFrom`.
    lr : float
        Adam's step.
    batch_size, shuffle, augment
        As in `Batches`.
    class_weight : ndarray of shape (n_classes,), default=None
        Weights of the classes in the loss.
    device : str, default="cpu"
        As `choose_device` returns it.
    callbacks : sequence of skorch callbacks, default=()
        Copied: they keep what they count.
    seed : int, default=None
        Of the first weights, the order and the augmentation.
    **parameters
        Of the module's constructor.

    Returns
    -------
    net : skorch.NeuralNetClassifier
        Trimmed for prediction: without optimiser, history and callbacks.
    losses : ndarray of shape (n_epochs,)
        Mean training loss of each epoch.

    Raises
    ------
    FloatingPointError
        The loss became NaN or infinite.
    """
    weight = None if class_weight is None else torch.as_tensor(class_weight, dtype=torch.float32)
    net = owner(
        module,
        parameters,
        criterion__weight=weight,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=lr,
        max_epochs=10**9,  # `epochs` ends the training
        batch_size=batch_size,
        iterator_train__shuffle=shuffle,
        iterator_train__augment=augment,
        callbacks=[*deepcopy(callbacks), EpochsFrom(epochs)],
        device=device,
    )
    inputs, labels = tensors(inputs, device), torch.as_tensor(labels, device=device)
    with fenced(seed, device), explained(device, batch_size):
        net.fit(inputs, labels)
        batches = net.get_iterator(net.get_dataset(inputs, labels), training=True)
        average_normalisations(net.module_, batches)
    losses = np.array(net.history[:, "train_loss"])
    net.module_.zero_grad(set_to_none=True)
    net.trim_for_prediction()
    return net, losses
