"""Use of a trained network: predictions, saliency maps and serialisation."""

import numpy as np
import torch

from sklidh.nn._device import isolated_torch, memory_hint, tensors
from sklidh.nn._training import make_net
from sklidh.nn._weights import weights_from_bytes, weights_to_bytes


def _split(inputs, size):
    """Split inputs into batches of at most `size` images."""
    if isinstance(inputs, tuple):
        return list(zip(*(each.split(size) for each in inputs), strict=True))
    return list(inputs.split(size))


def predict(net, inputs, layer="forward"):
    """Return the output of a trained network in evaluation mode.

    Parameters
    ----------
    net : skorch.NeuralNetClassifier
    inputs : ndarray of shape (n_images, n_channels, size, size), float32
        Images, or a tuple of images and columns as in `train`.
    layer : str, default="forward"
        Method of the module to call.

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
    if not n_images:  # the width of the layer is found with a dummy image
        several = inputs if isinstance(inputs, tuple) else (inputs,)
        several = tuple(each.new_zeros(1, *each.shape[1:]) for each in several)
        inputs = several if isinstance(inputs, tuple) else several[0]
    with (
        isolated_torch(device=net.device),
        torch.inference_mode(),
        memory_hint(net.device, net.batch_size),
    ):
        parts = [read(part) for part in _split(inputs, net.batch_size)]
        values = torch.cat(parts)[:n_images].cpu().numpy()
    if not np.isfinite(values).all():
        raise FloatingPointError(
            "the trained network returns values that are not finite; train it with a smaller lr, "
            "or check the images for extreme intensities"
        )
    return values


def sensitivity(net, inputs):
    """Return saliency maps: how much each pixel influences the network's prediction.

    The prediction is the log odds of the most probable class.

    Parameters
    ----------
    net : skorch.NeuralNetClassifier
    inputs
        As in `predict`.

    Returns
    -------
    ndarray of shape (n_images, n_channels, size, size), float32
        Absolute derivatives: change in log odds per unit of intensity.

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks: visualising image
    classification models and saliency maps", 2014, section 3.
    """
    module, maps = net.module_.eval(), []
    with isolated_torch(device=net.device), memory_hint(net.device, net.batch_size):
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
    """Convert a trained network to plain values, from which `thaw` restores it.

    Parameters
    ----------
    net : skorch.NeuralNetClassifier
        From `train`.

    Returns
    -------
    dict
        "parameters" of the module's constructor, "batch_size", and "weights" as bytes in the
        safetensors format.
    """
    return {
        "parameters": net.get_params_for("module"),
        "batch_size": net.batch_size,
        "weights": weights_to_bytes(net.module_),
    }


def thaw(module, frozen: dict, *, device="cpu"):
    """Restore the trained network that `freeze` converted.

    Parameters
    ----------
    module : type
        The `torch.nn.Module` class of the network.
    frozen : dict
    device : str, default="cpu"
        Device to run it on, as returned by `choose_device`.

    Returns
    -------
    skorch.NeuralNetClassifier
        Trimmed for prediction.
    """
    net = make_net(module, frozen["parameters"], batch_size=frozen["batch_size"], device=device)
    with isolated_torch(0):  # the initial random weights are overwritten below
        net.initialize()
    net.module_.load_state_dict(weights_from_bytes(frozen["weights"]))
    net.trim_for_prediction()
    return net
