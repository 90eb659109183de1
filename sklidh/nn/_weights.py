"""Weights as bytes in the safetensors format, which contains arrays but no code."""

from safetensors import SafetensorError
from safetensors.torch import load, save


def weights_to_bytes(module) -> bytes:
    """Serialise all parameters and buffers of a network.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    bytes
    """
    state = module.state_dict()
    return save({name: value.detach().cpu().contiguous() for name, value in state.items()})


def weights_from_bytes(data: bytes) -> dict:
    """Deserialise the output of `weights_to_bytes`.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    dict of str to Tensor
        Parameters and buffers, on the CPU.

    Raises
    ------
    ValueError
        The bytes are not a valid safetensors file.
    """
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(f"damaged weights of a network: {error}") from error
