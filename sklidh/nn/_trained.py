"""What a trained network gives: predictions, where it looked, and itself as plain data."""

import numpy as np
import torch

from sklidh.nn._device import explained, fenced, tensors
from sklidh.nn._training import owner
from sklidh.nn._weights import weights_from_bytes, weights_to_bytes


def _split(inputs, size):
    """Cut inputs into batches of at most `size` images."""
    if isinstance(inputs, tuple):
        return list(zip(*(each.split(size) for each in inputs), strict=True))
    return list(inputs.split(size))


def predict(net, inputs, layer="forward"):
    """Return what a trained network gives for images, in evaluation mode.

    Parameters
    ----------
    net : skorch.NeuralNetClassifier
    inputs : ndarray of shape (n_images, n_channels, size, size), float32
        Or a tuple of images and columns, as in `train`.
    layer : str, default="forward"
        The module's method to call.

    Returns
    -------
    ndarray of shape (n_images, width of the layer), float32

    Raises
    ------
    FloatingPointError
        A value is not finite.
    """
    read = getattr(net.module_.eval(), layer)
    n_images = len(inputs[0] if isinstance(inputs, tuple) else inputs)
    inputs = tensors(inputs, net.device)
    if not n_images:  # a network needs an image to tell how wide its layer is
        several = inputs if isinstance(inputs, tuple) else (inputs,)
        several = tuple(each.new_zeros(1, *each.shape[1:]) for each in several)
        inputs = several if isinstance(inputs, tuple) else several[0]
    with fenced(device=net.device), torch.inference_mode(), explained(net.device, net.batch_size):
        parts = [read(part) for part in _split(inputs, net.batch_size)]
        values = torch.cat(parts)[:n_images].cpu().numpy()
    if not np.isfinite(values).all():
        raise FloatingPointError(
            "the trained network gives values that are not finite; train it with a smaller lr, or "
            "look for extreme intensities in the images"
        )
    return values


def sensitivity(net, inputs):
    """Return how fast a network's prediction would change with every pixel.

    What changes is the log odds of the class that the network finds most probable.

    Parameters
    ----------
    net : skorch.NeuralNetClassifier
    inputs
        As in `predict`.

    Returns
    -------
    ndarray of shape (n_images, n_channels, size, size), float32
        Absolute derivatives: change of the log odds per unit of intensity.

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks: visualising image
    classification models and saliency maps", 2014, section 3.
    """
    module, maps = net.module_.eval(), []
    with fenced(device=net.device), explained(net.device, net.batch_size):
        for part in _split(tensors(inputs, net.device), net.batch_size):
            images, *columns = part if isinstance(part, tuple) else (part,)
            images = images.clone().requires_grad_()
            logits = module((images, *columns) if columns else images)
            most = logits.argmax(1, keepdim=True)
            others = logits.scatter(1, most, -torch.inf).logsumexp(1)
            odds = logits.gather(1, most)[:, 0] - others
            (gradient,) = torch.autograd.grad(odds.sum(), images)
            maps.append(gradient.abs())
        return torch.cat(maps).cpu().numpy()


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
    device : str, default="cpu"
        Where to run it, as `choose_device` returns it.

    Returns
    -------
    skorch.NeuralNetClassifier
        Trimmed for prediction.
    """
    net = owner(module, frozen["parameters"], batch_size=frozen["batch_size"], device=device)
    with fenced(0):  # the first weights are drawn, and overwritten at once
        net.initialize()
    net.module_.load_state_dict(weights_from_bytes(frozen["weights"]))
    net.trim_for_prediction()
    return net
