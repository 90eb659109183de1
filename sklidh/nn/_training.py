"""Train a network: the one file that knows skorch."""

from functools import partial

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sklidh.nn._device import explained, fenced, tensors


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
        ``X``, images (n_images, n_channels, size, size) or a tuple of them and of columns
        (n_images, n_columns), and ``y`` (n_images,), or None where the labels are not known.
    batch_size : int
        Images per step.
    shuffle : bool, default=False
        Draw a new order in each epoch.
    augment : bool, default=False
        Pass each image through `random_symmetry`.
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
    """skorch's classifier, adapted in three ways.

    It waits for a GPU once per epoch, not after every batch. It validates with the averages of the
    normalisations that a training which ends here would leave. And it passes on a Ctrl-C, which
    skorch takes for an orderly stop, as its callbacks ask for one in the same way.
    """

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """Train; see skorch."""
        self.interrupted = False
        super().partial_fit(X, y, classes, **fit_params)
        if self.interrupted:
            raise KeyboardInterrupt
        return self

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch; the losses of its batches are tensors until all are computed."""
        if iterator is None:
            return
        if training:
            self.learned_from = iterator
        else:
            average_normalisations(self.module_, self.learned_from)
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
                f"epoch {len(self.history)} with lr={self.lr:g}; lower lr, or look for extreme "
                "intensities in the images"
            )


def curves(history):
    """Return what a history of skorch knows of every epoch: losses and scores.

    Parameters
    ----------
    history : skorch.history.History

    Returns
    -------
    dict of str to ndarray of shape (n_epochs,)
        ``"train_loss"``, with validation ``"valid_loss"`` and ``"valid_acc"``, and what callbacks
        record; NaN in an epoch that another callback stopped before.
    """
    names = [name for name, value in history[0].items() if isinstance(value, float)]
    return {
        name: np.array([row.get(name, np.nan) for row in history])
        for name in names
        if name != "dur"
    }


def owner(module, parameters, **settings):
    """Return an owner of a network that is not made yet."""
    return Network(
        module,
        **{f"module__{name}": value for name, value in parameters.items()},
        criterion=nn.CrossEntropyLoss,
        # skorch would ask the criterion, which a trained network no longer has.
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
    max_epochs : int
        Callbacks may stop earlier, as skorch's EarlyStopping does.
    lr : float
        Adam's step.
    batch_size, shuffle, augment
        As in `Batches`.
    class_weight : ndarray of shape (n_classes,), default=None
        Weights of the classes in the loss.
    validation : tuple of inputs and labels, default=None
        Images that take no step; their loss is computed after every epoch.
    device : str, default="cpu"
        As `choose_device` returns it.
    callbacks : sequence of skorch callbacks, default=()
    seed : int, default=None
        Of the first weights, the order and the augmentation.
    **parameters
        Of the module's constructor.

    Returns
    -------
    net : skorch.NeuralNetClassifier
        Trimmed for prediction: without optimiser, history and callbacks.
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
    net = owner(
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
    with fenced(seed, device), explained(device, batch_size):
        net.fit(inputs, labels)
        average_normalisations(net.module_, net.learned_from)
    found = curves(net.history)
    net.module_.zero_grad(set_to_none=True)
    net.trim_for_prediction()
    del net.learned_from
    return net, found
