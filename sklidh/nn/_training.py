"""Train a network and read from it: the one file that knows skorch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn
from torch.optim.swa_utils import update_bn

from sklidh.nn._weights import weights_from_bytes, weights_to_bytes

# torch's random state and its number of threads belong to the whole process.
_ONE_AT_A_TIME = threading.RLock()


def choose_device(device):
    """Return the device to work on, "cpu" or "cuda", from "auto", "cpu" or "cuda".

    Raises
    ------
    ValueError
        "cuda" where torch finds no NVIDIA GPU.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ValueError(
            f"device='cuda', but torch {torch.__version__} finds no NVIDIA GPU on this machine; "
            "use device='auto' or 'cpu', or install a CUDA build of torch"
        )
    return ("cuda" if available else "cpu") if device == "auto" else device


@contextmanager
def fenced(seed=None) -> Iterator[None]:
    """Seed torch inside the block and leave no trace of it outside; CPU work takes one thread.

    One thread, because the bits of a sum depend on how many share it, and because two networks
    that each claim every core spend their time waiting for each other.
    """
    threads = torch.get_num_threads()
    with _ONE_AT_A_TIME, torch.random.fork_rng():
        try:
            torch.set_num_threads(1)
            if seed is not None:
                torch.manual_seed(seed)
            yield
        finally:
            torch.set_num_threads(threads)


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
        Holds ``X`` (n_images, n_channels, size, size) and ``y`` (n_images,), tensors.
    batch_size : int
        Images a step.
    shuffle : bool, default=False
        Draw the order anew each epoch.
    augment : bool, default=False
        Pass each image through `random_symmetry`.
    """

    def __init__(self, dataset, batch_size, shuffle=False, augment=False):
        self.images, self.labels = dataset.X, dataset.y
        self.batch_size, self.shuffle, self.augment = batch_size, shuffle, augment

    def __iter__(self):
        n = len(self.images)
        device = self.images.device
        order = torch.randperm(n, device=device) if self.shuffle else torch.arange(n, device=device)
        starts = list(range(0, n, self.batch_size))
        if len(starts) > 1 and n - starts[-1] == 1:
            starts.pop()
        for start, stop in zip(starts, [*starts[1:], n], strict=True):
            rows = order[start:stop]
            images = self.images[rows]
            yield random_symmetry(images) if self.augment else images, self.labels[rows]


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

    def on_batch_end(self, net, loss=None, **_):
        """Stop with an error on a loss that is not finite."""
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the training loss became {loss.item()} in epoch {len(net.history)} with "
                f"lr={net.lr:g}; lower lr, or look for extreme intensities in the images"
            )

    def on_epoch_end(self, net, **_):
        """Begin the next epoch, or stop."""
        if next(self.epochs, None) is None:
            raise KeyboardInterrupt  # skorch's sign for an orderly stop

    def on_train_end(self, net, **_):
        """Close the iterator, and pass on a Ctrl-C, which skorch takes for an orderly stop."""
        self.epochs.close()
        if "train_loss" not in net.history[-1]:
            raise KeyboardInterrupt


def train(
    module,
    images,
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
    pass over the images takes the averages anew, and evaluation mode shows the trained network.

    Parameters
    ----------
    module : type
        A `torch.nn.Module` class, whose forward pass returns logits.
    images : ndarray of shape (n_images, n_channels, size, size), float32
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
    device : {"cpu", "cuda"}, default="cpu"
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
    net = NeuralNetClassifier(
        module,
        **{f"module__{name}": value for name, value in parameters.items()},
        criterion=nn.CrossEntropyLoss,
        criterion__weight=weight,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=lr,
        max_epochs=10**9,  # `epochs` ends the training
        batch_size=batch_size,
        iterator_train=Batches,
        iterator_train__shuffle=shuffle,
        iterator_train__augment=augment,
        train_split=None,
        callbacks=[*deepcopy(callbacks), EpochsFrom(epochs)],
        device=device,
        verbose=0,
    )
    images, labels = (torch.as_tensor(array, device=device) for array in (images, labels))
    with fenced(seed):
        net.fit(images, labels)
        batches = net.get_iterator(net.get_dataset(images, labels), training=True)
        update_bn(batches, net.module_)
    losses = np.array(net.history[:, "train_loss"])
    net.module_.zero_grad(set_to_none=True)
    net.trim_for_prediction()
    return net, losses


def predict(net, images, layer="forward"):
    """Return what a trained network gives for images, in evaluation mode.

    Parameters
    ----------
    net : skorch.NeuralNetClassifier
    images : ndarray of shape (n_images, n_channels, size, size), float32
    layer : str, default="forward"
        The module's method to call.

    Returns
    -------
    ndarray of shape (n_images, width of the layer), float32
    """
    read = getattr(net.module_.eval(), layer)
    n_images = len(images)
    if not n_images:  # a network needs an image to tell how wide its layer is
        images = np.zeros((1, *images.shape[1:]), images.dtype)
    with fenced(), torch.inference_mode():
        parts = [
            read(part.to(net.device)).cpu()
            for part in torch.as_tensor(images).split(net.batch_size)
        ]
    return torch.cat(parts)[:n_images].numpy()


def freeze(net) -> dict:
    """Return a trained network as plain values, from which `thaw` makes it again.

    Parameters
    ----------
    net : skorch.NeuralNetClassifier
        From `train`.

    Returns
    -------
    dict
        "parameters" of the module's constructor, "batch_size" and, as bytes in the safetensors
        format, "weights".
    """
    return {
        "parameters": net.get_params_for("module"),
        "batch_size": net.batch_size,
        "weights": weights_to_bytes(net.module_),
    }


def thaw(module, frozen: dict, *, device="cpu"):
    """Return the trained network that `freeze` took apart.

    Parameters
    ----------
    module : type
        The same `torch.nn.Module` class.
    frozen : dict
    device : {"cpu", "cuda"}, default="cpu"
        Where it shall work.

    Returns
    -------
    skorch.NeuralNetClassifier
        Trimmed for prediction.
    """
    net = NeuralNetClassifier(
        module,
        **{f"module__{name}": value for name, value in frozen["parameters"].items()},
        batch_size=frozen["batch_size"],
        device=device,
        verbose=0,
    )
    with fenced(0):  # the first weights are drawn, and overwritten at once
        net.initialize()
    net.module_.load_state_dict(weights_from_bytes(frozen["weights"]))
    net.trim_for_prediction()
    return net
