"""Weights as bytes in the safetensors format, which contains arrays but no code."""

from safetensors import SafetensorError
from safetensors.torch import load, save


def weights_to_bytes(module) -> bytes:
    """Serialise all parameters and buffers of a network."""
    state = module.state_dict()
    return save({name: value.detach().cpu().contiguous() for name, value in state.items()})


def weights_from_bytes(data: bytes) -> dict:
    """Return parameters and buffers on the CPU, by name; raise ValueError for damaged bytes."""
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(f"damaged weights of a network: {error}") from error
