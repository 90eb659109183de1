"""Training of networks with skorch."""

from functools import partial

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sklidh.nn._device import isolated_torch, memory_hint, tensors


def random_symmetry(images):
    """Apply a random symmetry of the square (rotation or reflection) to each image.

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
    """Split a data set in memory into batches.

    A last batch of a single image, which batch normalisation cannot process, is merged with the
    batch before it.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        ``X`` holds images (n_images, n_channels, size, size), or a tuple of images and columns
        (n_images, n_columns); ``y`` holds labels (n_images,), or None if they are unknown.
    batch_size : int
        Number of images per step.
    shuffle : bool, default=False
        Whether to draw a new order in each epoch.
    augment : bool, default=False
        Whether to apply `random_symmetry` to each image.
    """

    def __init__(self, dataset, batch_size, shuffle=False, augment=False):
        several = dataset.X if isinstance(dataset.X, tuple) else (dataset.X,)
        self.inputs = [torch.as_tensor(each) for each in several]
        labels = np.zeros(len(self.inputs[0])) if dataset.y is None else dataset.y
        self.labels = torch.as_tensor(labels)
        self.batch_size, self.shuffle, self.augment = batch_size, shuffle, augment

    def __iter__(self):
        n, device = len(self.labels), self.labels.device
        order = torch.randperm(n, device=device) if self.shuffle else torch.arange(n, device=device)
        starts = list(range(0, n, self.batch_size))
        if len(starts) > 1 and n - starts[-1] == 1:
            starts.pop()
        for start, stop in zip(starts, [*starts[1:], n], strict=True):
            rows = order[start:stop]
            images, *columns = (each[rows] for each in self.inputs)
            if self.augment:
                images = random_symmetry(images)
            yield (images, *columns) if columns else images, self.labels[rows]


@torch.no_grad()
def average_normalisations(module, batches):
    """Replace the running averages of all batch normalisations by averages over all images.

    `torch.optim.swa_utils.update_bn` weights every batch equally, so that a last batch of two
    images would count as much as one of sixteen. Here batches are weighted by their number of
    images.

    Parameters
    ----------
    module : torch.nn.Module
        The network; it is left in training mode.
    batches : iterable of (inputs, labels)
    """
    norms = {norm: norm.momentum for norm in module.modules() if isinstance(norm, _BatchNorm)}
    module.train()
    n_images = 0
    for inputs, labels in batches:
        n_images += len(labels)
        for norm in norms:
            norm.momentum = len(labels) / n_images  # the first batch replaces the old average
        module(inputs)
    for norm, momentum in norms.items():
        norm.momentum = momentum


class Network(NeuralNetClassifier):
    """skorch's classifier, adapted in three ways.

    It waits for a GPU once per epoch, not after every batch. It validates with the normalisation
    averages that the network would have if training ended at this epoch. It also passes on Ctrl-C,
    which skorch treats as a regular stop because its callbacks use the same exception.
    """

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """Train; see skorch."""
        self.interrupted = False
        super().partial_fit(X, y, classes, **fit_params)
        if self.interrupted:
            raise KeyboardInterrupt
        return self

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch; batch losses stay tensors until the epoch ends."""
        if iterator is None:
            return
        if training:
            self.training_batches = iterator
        else:
            average_normalisations(self.module_, self.training_batches)
        losses = []
        try:
            for batch in iterator:
                self.notify("on_batch_begin", batch=batch, training=training)
                step = step_fn(batch, **fit_params)
                losses.append(step["loss"].detach())
                self.history.record_batch(f"{prefix}_loss", losses[-1])
                self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
                self.notify("on_batch_end", batch=batch, training=training, **step)
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        values = torch.stack(losses).tolist()
        for row, value in zip(self.history[-1]["batches"][-len(losses) :], values, strict=True):
            row[f"{prefix}_loss"] = value
        self.history.record(f"{prefix}_batch_count", len(losses))
        if not np.isfinite(values).all():
            raise FloatingPointError(
                f"the {'training' if training else 'validation'} loss became {sum(values)} in "
                f"epoch {len(self.history)} with lr={self.lr:g}; lower lr, or check the images "
                "for extreme intensities"
            )


def curves(history):
    """Return the losses and scores of every epoch from a skorch history.

    Parameters
    ----------
    history : skorch.history.History

    Returns
    -------
    dict of str to ndarray of shape (n_epochs,)
        ``"train_loss"``, with validation also ``"valid_loss"`` and ``"valid_acc"``, and values that
        callbacks record; NaN if another callback ended the epoch before the value was recorded.
    """
    names = [name for name, value in history[0].items() if isinstance(value, float)]
    return {
        name: np.array([row.get(name, np.nan) for row in history])
        for name in names
        if name != "dur"
    }


def make_net(module, parameters, **settings):
    """Return an uninitialised skorch net."""
    return Network(
        module,
        **{f"module__{name}": value for name, value in parameters.items()},
        criterion=nn.CrossEntropyLoss,
        # skorch would infer it from the criterion, which a trained network no longer has.
        predict_nonlinearity=partial(torch.softmax, dim=-1),
        iterator_train=Batches,
        iterator_valid=Batches,
        verbose=0,
        **settings,
    )


def train(
    module,
    inputs,
    labels,
    *,
    max_epochs,
    lr,
    batch_size,
    shuffle=False,
    augment=False,
    class_weight=None,
    validation=None,
    device="cpu",
    callbacks=(),
    seed=None,
    **parameters,
):
    """Train a network to classify images, with Adam on the cross-entropy.

    The running averages of batch normalisation lag behind the weights by dozens of steps, which can
    be the whole training in a small cohort. Therefore, once the weights are final, another pass
    computes the averages over all images, and evaluation mode uses the trained network's averages.

    Parameters
    ----------
    module : type
        A `torch.nn.Module` class, whose forward pass returns logits.
    inputs : ndarray of shape (n_images, n_channels, size, size), float32
        Images, or a tuple of images and columns (n_images, n_columns) for a module that accepts
        both.
    labels : ndarray of int, shape (n_images,)
        Class numbers, 0 to n_classes - 1.
    max_epochs : int
        Maximum number of epochs; callbacks such as skorch's EarlyStopping may stop earlier.
    lr : float
        Learning rate of Adam.
    batch_size, shuffle, augment
        As in `Batches`.
    class_weight : ndarray of shape (n_classes,), default=None
        Weights of the classes in the loss.
    validation : tuple of inputs and labels, default=None
        Images that are not trained on; their loss is computed after every epoch.
    device : str, default="cpu"
        Device, as returned by `choose_device`.
    callbacks : sequence of skorch callbacks, default=()
    seed : int, default=None
        Seed of the initial weights, the order and the augmentation.
    **parameters
        Parameters of the module's constructor.

    Returns
    -------
    net : skorch.NeuralNetClassifier
        The network trimmed for prediction: without optimiser, history and callbacks.
    curves : dict of str to ndarray of shape (n_epochs,)
        As in `curves`.

    Raises
    ------
    FloatingPointError
        A loss became NaN or infinite.
    """
    weight = None if class_weight is None else torch.as_tensor(class_weight, dtype=torch.float32)
    inputs, labels = tensors(inputs, device), torch.as_tensor(labels, device=device)
    split = None
    if validation is not None:
        split = predefined_split(
            Dataset(tensors(validation[0], device), torch.as_tensor(validation[1], device=device))
        )
    net = make_net(
        module,
        parameters,
        criterion__weight=weight,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=lr,
        max_epochs=max_epochs,
        batch_size=batch_size,
        iterator_train__shuffle=shuffle,
        iterator_train__augment=augment,
        train_split=split,
        callbacks=list(callbacks),
        device=device,
    )
    with isolated_torch(seed, device), memory_hint(device, batch_size):
        net.fit(inputs, labels)
        average_normalisations(net.module_, net.training_batches)
    found = curves(net.history)
    net.module_.zero_grad(set_to_none=True)
    net.trim_for_prediction()
    del net.training_batches
    return net, found
