"""Shapley values: the contribution of each part of a row to a prediction."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd


def exact(log_odds, x, rows, blocks) -> pd.Series:
    """Compute exact Shapley values of a few blocks of columns, from all sets of blocks."""
    names, worth = list(blocks), {}
    for size in range(len(names) + 1):
        for chosen in combinations(names, size):
            mixed = rows.copy()
            for name in chosen:
                mixed[:, blocks[name]] = x[blocks[name]]
            worth[frozenset(chosen)] = log_odds(mixed).mean()
    n = len(names)
    found = {}
    for name in names:
        found[name] = sum(
            factorial(len(others))
            * factorial(n - len(others) - 1)
            / factorial(n)
            * (worth[others | {name}] - worth[others])
            for others in worth
            if name not in others
        )
    return pd.Series(found, dtype=float)


def sampled(log_odds, x, rows, columns, n_permutations, rng):
    """Estimate Shapley values of many columns, and their standard errors, from random orders."""
    found = []
    for _ in range(n_permutations):
        start, order = rows[rng.integers(len(rows))], rng.permutation(columns)
        both = []
        for way in (order, order[::-1]):
            path = np.tile(start, (len(way) + 1, 1))
            for step, column in enumerate(way):
                path[step + 1 :, column] = x[column]
            gained = pd.Series(np.diff(log_odds(path)), way)
            both.append(gained[columns].to_numpy())
        found.append(np.mean(both, axis=0))
    spread = np.std(found, axis=0, ddof=1) / np.sqrt(n_permutations)
    return np.mean(found, axis=0), spread
