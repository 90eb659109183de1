"""Apply IBSI's convolutional filters to the region's box of an image."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklidh.radiomics import _ibsi_fourier as fourier
from sklidh.radiomics import _ibsi_separable as separable
from sklidh.radiomics._ibsi_filter_table import response_names, wavelet_bands


class Response(NamedTuple):
    """One filter with one set of parameters.

    Attributes
    ----------
    name : str
    reach : float
        Distance in voxels up to which a voxel affects the response; infinite if the filter needs
        the whole image.
    compute : callable
        Returns the response, as float64, in a box of an image.
    """

    name: str
    reach: float
    compute: Callable


def responses(image_type, setting, spacing):
    """Return the filters of an image type, ready to be applied.

    Parameters
    ----------
    image_type : str
        A key of `sklidh.radiomics._ibsi_filter_table.IBSI_FILTERS`.
    setting : dict
        The filter's parameters; ``force2D`` filters slices perpendicular to the axis
        ``force2Ddimension`` of (z, y, x).
    spacing : sequence of float
        Voxel size along (z, y, x), mm.

    Returns
    -------
    list of Response
    """
    flat_axis = setting.get("force2Ddimension", 0) if setting["force2D"] else 0
    steps = _moved(spacing, flat_axis)
    names = response_names(image_type, setting)
    found = []
    for name, (reach, compute) in zip(names, _filters(image_type, setting, steps), strict=True):
        if setting["boundary"] == "periodic":
            reach = math.inf
        found.append(Response(name, reach, _along(compute, flat_axis)))
    return found


def _moved(items, flat_axis):
    items = list(items)
    return (items.pop(flat_axis), *items)


def _along(compute, flat_axis):
    def computed(volume, box):
        image = compute(np.moveaxis(volume, flat_axis, 0), _moved(box, flat_axis))
        return np.ascontiguousarray(np.moveaxis(image, 0, flat_axis))

    return computed


def _filters(image_type, setting, steps):
    """Yield each filter's reach and function; slices are along the first axis."""
    n_axes, boundary = 2 if setting["force2D"] else 3, setting["boundary"]
    match image_type:
        case "Mean":
            for support in setting["support"]:
                yield _sum(separable.mean_terms(support, n_axes), boundary)
        case "LaplacianOfGaussian":
            for sigma in setting["sigma"]:
                terms = separable.log_terms(sigma, steps[::-1][:n_axes], setting["cutoff"])
                if setting["rieszOrder"]:
                    yield _whole(n_axes, boundary, terms=terms, order=setting["rieszOrder"])
                else:
                    yield _sum(terms, boundary)
        case "Laws":
            for name in setting["kernels"]:
                pooled = _pool(separable.laws_kernels(name), setting)
                yield _energy(pooled, setting["energyDistance"], n_axes, boundary)
        case "Gabor":
            for sigma in setting["sigma"]:
                for wavelength in setting["wavelength"]:
                    yield from _gabor(sigma, wavelength, setting, steps)
        case "SeparableWavelet":
            for level, bands in wavelet_bands(setting):
                kernels = separable.wavelet_kernels(setting["wavelet"], bands, level)
                yield _pool(kernels, setting)
        case "NonseparableWavelet":
            for level in setting["levels"]:
                wavelet = (setting["family"], level)
                yield _whole(n_axes, boundary, wavelet=wavelet, order=setting["rieszOrder"])


def _reach_of(terms):
    return max(len(kernel) for term in terms for kernel in term) // 2


def _sum(terms, boundary):
    return _reach_of(terms), lambda volume, box: separable.summed(volume, box, terms, boundary)


def _whole(n_axes, boundary, **filtered):
    return math.inf, lambda volume, box: fourier.fourier_response(
        volume, box, n_axes, boundary=boundary, **filtered
    )


def _pool(kernels, setting):
    boundary = setting["boundary"]
    if not setting["rotationInvariance"]:
        return _sum({tuple(kernels): 1.0}, boundary)
    if setting["pooling"] == "mean":
        return _sum(separable.mean_of_rotations(kernels), boundary)
    terms = separable.rotated_terms(kernels)
    return _reach_of(terms), lambda volume, box: separable.extreme(
        volume, box, terms, boundary, setting["pooling"]
    )


def _energy(filtered, distance, n_axes, boundary):
    reach, response = filtered
    if not distance:
        return filtered
    return reach + distance, lambda volume, box: separable.energy(
        lambda part: response(volume, part), box, volume.shape, distance, boundary, n_axes
    )


def _gabor(sigma, wavelength, setting, steps):
    """Yield one filter per angle, or one that averages over angles and, in 3D, over planes."""
    planes, turns = [(1, 2)], [[math.radians(theta)] for theta in setting["theta"]]
    if setting["thetaStep"]:
        turns = [np.radians(np.arange(0, 360 - 1e-9, setting["thetaStep"]))]
        planes = planes if setting["force2D"] else [(1, 2), (0, 2), (0, 1)]
    reach = math.ceil(fourier.gabor_reach(sigma, setting["gamma"]) / min(steps))
    shape = {"sigma": sigma, "wavelength": wavelength, "gamma": setting["gamma"]}
    for angles in turns:

        def response(volume, box, angles=angles):
            return sum(
                fourier.gabor(
                    volume, box, steps, plane, angles=angles, boundary=setting["boundary"], **shape
                )
                for plane in planes
            ) / len(planes)

        yield reach, response
