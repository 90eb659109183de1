"""A network's weights as bytes in the safetensors format, which holds arrays and no code."""

from safetensors import SafetensorError
from safetensors.torch import load, save


def weights_to_bytes(module) -> bytes:
    """Write all parameters and buffers of a network.

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
    """Read what `weights_to_bytes` wrote.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    dict of str to Tensor
        On the CPU.

    Raises
    ------
    ValueError
        These bytes are no safetensors file.
    """
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(f"damaged weights of a network: {error}") from error
