"""Blocks: which columns belong to which modality, and which patients have them."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from sklidh.utils import listed, located

SEPARATOR = "__"
# The one block of an array without column names.
WHOLE = "all"


def find_blocks(
    n_columns: int, names=None, *, modalities=None, groups=None, missing="raise"
) -> dict[str, np.ndarray]:
    """Assign the columns to blocks, and warn where a block or a column is lost on the way.

    Parameters
    ----------
    n_columns : int
    names : sequence of str, default=None
        The columns' names, ``<modality>__<anything>``. Without names, or without a prefix in any
        of them, all columns are one modality called "all".
    modalities : mapping of str to columns, or sequence of str, default=None
        A mapping gives the columns of every modality, by name or by position. A sequence gives the
        prefixes to use. None takes every prefix, in the order of the columns.
    groups : sequence of (str or sequence of str), default=None
        Modalities that make one block together, named "T1+T1CE". A modality in no group is left
        out. None makes one block of each modality.
    missing : {"raise", "ignore"}, default="raise"
        Whether a modality that was asked for and has no column is an error.

    Returns
    -------
    dict of str to ndarray of int
        Block names and the positions of their columns.

    Raises
    ------
    ValueError
        A modality or a group that cannot be made of these columns.
    """
    found = _columns_of_modalities(n_columns, names, modalities, missing)
    wanted = None if modalities is None else list(modalities)
    if wanted is not None:
        _refuse_repeats(wanted, "modalities")
        _refuse_unknown(wanted, found, names, "modalities", missing)
        found = {name: found[name] for name in wanted if name in found}
    if groups is not None:
        groups = [(group,) if isinstance(group, str) else tuple(group) for group in groups]
        asked = [modality for group in groups for modality in group]
        _refuse_repeats(asked, "groups")
        if wanted is not None and (strangers := [name for name in asked if name not in wanted]):
            raise ValueError(
                f"groups names {listed(strangers)}, which modalities={wanted} does not"
            )
        _refuse_unknown(asked, found, names, "groups", missing)
        groups = [[name for name in group if name in found] for group in groups]
        found = {
            "+".join(group): np.concatenate([found[name] for name in group])
            for group in groups
            if group
        }
    if not found:
        raise ValueError(
            "no block is left: none of the modalities asked for has a column in X, whose first "
            f"column is {names[0]!r}"
        )
    _warn_of_losses(found, n_columns, names, wanted if groups is None else asked)
    return found


def block_presence(X, blocks, *, missing, patients=None) -> np.ndarray:
    """Tell which patient has which block, and refuse what `missing` does not allow.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_columns)
    blocks : dict of str to ndarray of int
        From `find_blocks`.
    missing : {"raise", "ignore"}
        "raise" accepts no NaN in any block's columns. "ignore" takes a block that is NaN
        throughout as absent.
    patients : sequence, default=None
        What errors call the rows; None counts from 0.

    Returns
    -------
    ndarray of bool of shape (n_patients, n_blocks)

    Raises
    ------
    ValueError
        NaN where ``missing="raise"``, or a patient without any block.
    """
    patients = np.arange(len(X)) if patients is None else np.asarray(patients, dtype=object)
    absent = np.isnan(X)
    if not absent.any():
        return np.ones((len(X), len(blocks)), dtype=bool)
    if missing == "raise":
        for name, columns in blocks.items():
            rows, places = np.nonzero(absent[:, columns])
            if len(rows):
                count = len(np.unique(rows))
                raise ValueError(
                    f"patient {patients[rows[0]]!r}, block {name!r}: the input X contains NaN "
                    f"(column {columns[places[0]]}; {count} patient(s) in this block). Impute the "
                    "columns, or use missing='ignore' to predict such patients from what they have"
                )
    present = np.column_stack([~absent[:, columns].all(1) for columns in blocks.values()])
    if not present.any(1).all():
        without = patients[~present.any(1)]
        raise ValueError(
            f"patient {listed(without)}: no value at all, every column of {listed(blocks)} is NaN; "
            "drop these rows from X and y, or give each a sequence that the fusion reads"
        )
    return present


def refuse_empty_columns(X, blocks):
    """Raise a ValueError if a block has a column that is NaN in every patient."""
    for name, columns in blocks.items():
        if (empty := np.isnan(X[:, columns]).all(0)).any():
            raise ValueError(
                f"block {name!r}: column {columns[empty][0]} of X is NaN in every patient; drop it"
            )


def _warn_of_losses(blocks, n_columns, names, asked):
    """Warn of names that are lost, of modalities without a column and of columns in no block."""
    lost = []
    if list(blocks) == [WHOLE] and asked is None:
        lost.append(
            f"the {n_columns} columns of X {'have no names' if names is None else 'carry'} "
            f"{'' if names is None else 'no modality in their names '}"
            "and form one block, so that no modalities are fused: name them "
            f"<modality>{SEPARATOR}<feature>, with set_output(transform='pandas') on the steps "
            "before, or give modalities="
        )
    present = {modality for block in blocks for modality in block.split("+")}
    if absent := [modality for modality in asked or [] if modality not in present]:
        lost.append(f"no column of X belongs to {listed(absent)}, which is left out")
    used = np.zeros(n_columns, dtype=bool)
    used[np.concatenate(list(blocks.values()))] = True
    if not used.all():
        unused = np.flatnonzero(~used)
        if names is None:
            which = f"columns {listed(unused.tolist(), 5)}"
        else:
            counts = Counter(names[place].partition(SEPARATOR)[0] for place in unused)
            which = listed([f"{prefix} ({count})" for prefix, count in counts.items()], 5)
        lost.append(f"{len(unused)} of {n_columns} columns are in no block, so not used: {which}")
    for text in lost:
        warnings.warn(located(text), UserWarning, stacklevel=5)


def _columns_of_modalities(n_columns, names, modalities, missing):
    """Return the positions of every modality's columns; of those that have any."""
    if isinstance(modalities, Mapping):
        found = {
            modality: _positions(modality, columns, n_columns, names, missing)
            for modality, columns in modalities.items()
        }
        return {modality: places for modality, places in found.items() if len(places)}
    if names is None or not any(SEPARATOR in name for name in names):
        return {WHOLE: np.arange(n_columns)}
    found = {}
    for place, name in enumerate(names):
        prefix, separator, _ = name.partition(SEPARATOR)
        if separator:
            found.setdefault(prefix, []).append(place)
        elif modalities is None:
            raise ValueError(
                f"column {name!r} has no '<modality>{SEPARATOR}' in front, while others have; name "
                "its modality, or say which columns to use with modalities="
            )
    return {modality: np.array(places) for modality, places in found.items()}


def _positions(modality, columns, n_columns, names, missing):
    """Return the positions of one modality's columns, given by name or by position."""
    if isinstance(columns, str) or not isinstance(columns, (Sequence, np.ndarray)):
        raise ValueError(
            f"modalities[{modality!r}] must be a list of column names or positions, got {columns!r}"
        )
    known = {} if names is None else {name: place for place, name in enumerate(names)}
    places = [known.get(column) if isinstance(column, str) else column for column in columns]
    unknown = [
        column
        for column, place in zip(columns, places, strict=True)
        if place is None or not 0 <= place < n_columns
    ]
    if unknown and (missing == "raise" or names is None):
        raise ValueError(
            f"modalities[{modality!r}] names {len(unknown)} column(s) that X, of {n_columns} "
            f"columns{' without names' if names is None else ''}, has not: {listed(unknown, 5)}"
        )
    return np.array([place for place in places if place is not None], dtype=int)


def _refuse_repeats(asked, parameter):
    repeated = [name for name, count in Counter(asked).items() if count > 1]
    if repeated:
        raise ValueError(f"{parameter} names {listed(repeated)} more than once")


def _refuse_unknown(asked, found, names, parameter, missing):
    unknown = [name for name in asked if name not in found]
    if not unknown or (missing == "ignore" and names is not None):
        return
    advice = (
        "a selector may have dropped all its columns (keep the best with min_features_to_select), "
        "or use missing='ignore'"
        if names is not None
        else "X has no column names: put set_output(transform='pandas') on the steps before"
    )
    raise ValueError(
        f"{parameter} names {listed(unknown)}, which has no column in X; X has {listed(found)}. "
        f"{advice}"
    )
