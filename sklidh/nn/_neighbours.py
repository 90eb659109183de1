"""The pixels around a pixel: reflected beyond the border, unfolded, compared."""

import torch
import torch.nn.functional as F


def reflect_pad(x, reach):
    """Pad maps by periodic reflection, defined also where `reach` exceeds the map.

    Parameters
    ----------
    x : Tensor of shape (B, C, H, W)
    reach : int
        Pixels added on each side.

    Returns
    -------
    Tensor of shape (B, C, H + 2 * reach, W + 2 * reach)
    """
    if reach < min(x.shape[2:]):
        # Autocast on the CPU would leave half precision here.
        return F.pad(x, [reach] * 4, mode="reflect").to(x.dtype)
    for dim in (2, 3):
        x = x.index_select(dim, reflected(x.shape[dim], reach, x.device))
    return x


def reflected(n, reach, device=None):
    """Return the pixels that positions -reach .. n + reach - 1 of a reflected line show.

    Returns
    -------
    LongTensor of shape (n + 2 * reach,)
    """
    period = max(1, 2 * (n - 1))
    position = torch.arange(-reach, n + reach, device=device) % period
    return torch.minimum(position, period - position)


def visits(n, k):
    """Return how often k pixels around each pixel of a reflected line show each pixel.

    Returns
    -------
    LongTensor of shape (n, n)
        The pixel in the centre first: each row sums to k.
    """
    shown = reflected(n, k // 2)[:, None] == torch.arange(n)
    return shown.unfold(0, k, 1).sum(-1)


def unfold(x, k):
    """Return the k * k pixels around each pixel: (B, C, H, W) to (B, C, k * k, H * W)."""
    return F.unfold(reflect_pad(x, k // 2), k).unflatten(1, (x.shape[1], k * k))


def coordinates(H, W, like):
    """Return the coordinates of the pixels of a map, from -1 to 1 along each axis.

    Returns
    -------
    Tensor of shape (1, 2, H, W)
        Columns first. Of the dtype and on the device of `like`.
    """
    across, down = (torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device) for n in (W, H))
    return torch.stack([across.expand(H, W), down[:, None].expand(H, W)])[None]


def difference_moments(phi, psi, k):
    """Return mean and biased variance of phi_i - psi_j over all pixels i and neighbours j.

    They follow from sums over pixels: no difference is computed.

    Parameters
    ----------
    phi, psi : Tensor of shape (B, H, W, C)
    k : int
        The footprint's side in pixels.

    Returns
    -------
    mean, variance : Tensor of shape (C,)
    """
    pixels = 0, 1, 2
    # Any constant may be subtracted first; near the mean, little is lost to rounding.
    shifts = [each.detach().mean(pixels) for each in (phi, psi)]
    phi, psi = phi - shifts[0], psi - shifts[1]
    down, across = (visits(n, k).to(phi) / k for n in phi.shape[1:3])
    # The mean of psi over the neighbours of each pixel, one axis after the other.
    met = torch.einsum("yh,bhwc->bywc", down, torch.einsum("xw,bhwc->bhxc", across, psi))
    shown = down.sum(0)[:, None, None] * across.sum(0)[:, None]
    mean = (phi - met).mean(pixels)
    variance = (phi * (phi - 2 * met) + shown * psi.square()).mean(pixels) - mean.square()
    return mean + shifts[0] - shifts[1], variance
