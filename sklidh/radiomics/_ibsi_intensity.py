"""IBSI intensity features: statistics, histogram, volume histogram, local peaks."""

import numpy as np

from sklidh.radiomics._discretisation import MOST_BINS
from sklidh.radiomics._firstorder import firstorder_features, percentiles
from sklidh.radiomics._ibsi_preparation import PEAK_RADIUS
from sklidh.utils import kernel

_SAME = {
    "mean": "Mean",
    "var": "Variance",
    "skew": "Skewness",
    "median": "Median",
    "min": "Minimum",
    "p10": "10Percentile",
    "p90": "90Percentile",
    "max": "Maximum",
    "iqr": "InterquartileRange",
    "range": "Range",
    "mad": "MeanAbsoluteDeviation",
    "rmad": "RobustMeanAbsoluteDeviation",
    "energy": "Energy",
    "rms": "RootMeanSquared",
    "entropy": "Entropy",
    "uniformity": "Uniformity",
}


def statistics(values, counts):
    """Compute IBSI's intensity statistics; its histogram features use the same for grey levels.

    Parameters
    ----------
    values : ndarray of float64, shape (n_voxels,)
    counts : ndarray of int64, shape (n_levels,)
        Voxels of each grey level that occurs, for entropy and uniformity.

    Returns
    -------
    dict of str to float
    """
    described = firstorder_features(values, counts, 1.0)
    p25, p75 = percentiles(values, (25, 75))
    features = {name: described[other] for name, other in _SAME.items()}
    mean, variance = features["mean"], features["var"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return features | {
            # 0, like Skewness, if there is only one intensity.
            "kurt": described["Kurtosis"] - 3 if variance > 0 else 0.0,
            "medad": np.abs(values - features["median"]).mean(),
            "cov": np.sqrt(variance) / np.float64(mean),
            "qcod": np.float64(p75 - p25) / (p75 + p25),
        }


def histogram_features(levels, grey):
    """Compute the 23 features of the grey-level histogram.

    Parameters
    ----------
    levels : ndarray of float64, shape (n_voxels,)
    grey : GreyLevels

    Returns
    -------
    dict of str to float
    """
    histogram = np.zeros(int(grey.highest))
    histogram[grey.level.astype(int) - 1] = grey.count
    gradient = np.gradient(histogram) if histogram.size > 1 else np.zeros(1)
    features = statistics(levels, grey.count)
    middle = features["mean"]
    # Of several modes, IBSI takes the one nearest to the mean.
    modes = grey.level[grey.count == grey.count.max()]
    return features | {
        "mode": modes[np.abs(modes - middle).argmin()],
        "max_grad": gradient.max(),
        "max_grad_g": gradient.argmax() + 1,
        "min_grad": gradient.min(),
        "min_grad_g": gradient.argmin() + 1,
    }


def volume_histogram_features(values, setting):
    """Compute the features of the intensity-volume histogram.

    The histogram gives, for each intensity, the fraction of voxels that reach it. Intensities are
    whole numbers unless ``ivhBinWidth`` or ``ivhBinCount`` is set; a count divides the region's
    range, and bins replace the intensities. The axis is the resegmentation range if there is one.

    Parameters
    ----------
    values : ndarray of float64, shape (n_voxels,)
    setting : dict

    Returns
    -------
    dict of str to float
    """
    low, high = values.min(), values.max()
    count, width = setting["ivhBinCount"], setting["ivhBinWidth"]
    limits = setting["resegmentRange"] or ()
    if count is not None:
        reached = np.minimum(np.floor(count * (values - low) / ((high - low) or 1)), count - 1)
        axis = np.arange(1.0, count + 1)
    else:
        low, high = min((low, *limits)), max(high, *limits) if len(limits) == 2 else high
        step = 1.0 if width is None else width
        if (high - low) / step > MOST_BINS:
            raise ValueError(
                f"the volume histogram divides intensities from {low:g} to {high:g} into more than "
                f"{MOST_BINS} bins of {step:g}; choose a wider ivhBinWidth, or an ivhBinCount"
            )
        reached = np.floor((values - low) / step)
        axis = low + step * np.arange((high - low) // step + 1)
        if width is not None:  # bin centres replace the intensities
            axis = axis[axis + step / 2 <= high] + step / 2
    not_reached = np.cumsum(np.bincount(reached.astype(np.int64), minlength=axis.size))
    share = 1 - np.append(0, not_reached)[: axis.size] / values.size
    fraction = (axis - axis[0]) / ((axis[-1] - axis[0]) or 1)

    def share_at(part):
        reaching = share[fraction >= part]
        return reaching.max() if reaching.size else np.nan  # as for a single intensity

    def intensity_at(part):
        at_most = axis[share <= part]
        return at_most.min() if at_most.size else axis[-1]

    v10, v90, i10, i90 = share_at(0.1), share_at(0.9), intensity_at(0.1), intensity_at(0.9)
    return {
        "v10": v10,
        "v90": v90,
        "i10": i10,
        "i90": i90,
        "diff_v10_v90": v10 - v90,
        "diff_i10_i90": i10 - i90,
    }


def local_peaks(volume, roi, values, spacing):
    """Compute the local and the global intensity peak.

    Parameters
    ----------
    volume : ndarray of float64, shape (n_slices, n_rows, n_columns)
        Includes the region's surroundings, as far as the image extends.
    roi : Roi
    values : ndarray of float64, shape (n_voxels,)
        Intensities of the region.
    spacing : sequence of float

    Returns
    -------
    dict of str to float
    """
    reach = [int(PEAK_RADIUS // step) for step in spacing]
    z, y = (np.arange(-n, n + 1) * step for n, step in zip(reach[:2], spacing[:2], strict=True))
    room = PEAK_RADIUS**2 - z[:, None] ** 2 - y**2
    rows = np.argwhere(room >= 0) - reach[:2]
    half = np.floor(np.sqrt(room[room >= 0]) / spacing[2]).astype(np.int64)
    # Beyond the image, the sums along x and the number of voxels stay the same.
    before, n_columns = reach[2] + 1, volume.shape[2]
    sums = np.zeros((*volume.shape[:2], before + n_columns + reach[2]))
    within = sums[..., before : before + n_columns]
    np.cumsum(volume, axis=2, out=within)
    sums[..., before + n_columns :] = within[..., -1:]
    n_before = np.arange(-reach[2], n_columns + before * 1.0).clip(0, n_columns)
    first = np.column_stack(np.unravel_index(roi.segments[:, 0], roi.shape))
    first += [side.start - 1 for side in roi.box]
    # Elsewhere every sphere has the same number of voxels.
    last = first + np.column_stack([np.zeros((len(first), 2), int), roi.segments[:, 1] - 1])
    is_cut_off = ((first < reach) | (last + reach >= volume.shape)).any(1)
    means = np.zeros(roi.padded.size)
    _sphere_means(sums, n_before, first, roi.segments, is_cut_off, rows, half, before, means)
    peaks = means[roi.voxels]
    return {"peak_loc": peaks[values == values.max()].max(), "peak_glob": peaks.max()}


@kernel
def _sphere_means(sums, n_before, first, segments, is_cut_off, rows, half, before, means):
    """Return the local mean for each voxel of each segment, by differences of sums along x."""
    for s in range(len(segments)):
        n, start = np.uint64(segments[s, 1]), np.uint64(segments[s, 0])
        total, number = np.zeros(n), np.zeros(n)
        n_whole = 0.0
        for r in range(len(rows)):
            z, y = first[s, 0] + rows[r, 0], first[s, 1] + rows[r, 1]
            if z < 0 or z >= sums.shape[0] or y < 0 or y >= sums.shape[1]:
                continue
            along = sums[z, y]
            low = np.uint64(first[s, 2] + before - half[r] - 1)
            high = np.uint64(first[s, 2] + before + half[r])
            n_whole += 2 * half[r] + 1
            for v in range(n):
                total[v] += along[high + v] - along[low + v]
            if is_cut_off[s]:
                for v in range(n):
                    number[v] += n_before[high + v] - n_before[low + v]
        for v in range(n):
            means[start + v] = total[v] / (number[v] if is_cut_off[s] else n_whole)
