"""Blocks: the columns of each modality, and the patients who have them."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from sklidh.utils import listed, located

SEPARATOR = "__"
# Name of the single block of an array without column names.
WHOLE = "all"


def find_blocks(
    n_columns: int, names=None, *, modalities=None, groups=None, missing="raise"
) -> dict[str, np.ndarray]:
    """Assign columns to blocks, and warn if a block or a column is left out.

    Parameters
    ----------
    n_columns : int
    names : sequence of str, default=None
        Column names, ``<modality>__<anything>``. Without names, or if no name has a prefix, all
        columns form one modality called "all".
    modalities : mapping of str to columns, or sequence of str, default=None
        A mapping from each modality to its columns, by name or position, or a sequence of the
        prefixes to use. None uses every prefix, in the order of the columns.
    groups : sequence of (str or sequence of str), default=None
        Modalities that form one block, named "T1+T1CE". Modalities in no group are left out. None
        makes each modality a block.
    missing : {"raise", "ignore"}, default="raise"
        Whether a requested modality without columns is an error.

    Returns
    -------
    dict of str to ndarray of int
        Block names and the positions of their columns.

    Raises
    ------
    ValueError
        A modality or a group cannot be formed from these columns.
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
                f"groups contains {listed(strangers)}, which modalities={wanted} lacks"
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
            "no block is left: none of the requested modalities has a column in X, whose first "
            f"column is {names[0]!r}"
        )
    _warn_of_losses(found, n_columns, names, wanted if groups is None else asked)
    return found


def block_presence(X, blocks, *, missing, patients=None) -> np.ndarray:
    """Return which patient has which block, and raise if `missing` does not allow a NaN.

    Parameters
    ----------
    X : ndarray of shape (n_patients, n_columns)
    blocks : dict of str to ndarray of int
        From `find_blocks`.
    missing : {"raise", "ignore"}
        "raise" does not allow NaN in any block. "ignore" treats a block with only NaN as missing.
    patients : sequence, default=None
        Names of the rows in error messages; None numbers them from 0.

    Returns
    -------
    ndarray of bool of shape (n_patients, n_blocks)

    Raises
    ------
    ValueError
        There is a NaN and ``missing="raise"``, or a patient has no block.
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
                    "columns, or use missing='ignore' to predict from each patient's other blocks"
                )
    present = np.column_stack([~absent[:, columns].all(1) for columns in blocks.values()])
    if not present.any(1).all():
        without = patients[~present.any(1)]
        raise ValueError(
            f"patient {listed(without)}: every column of {listed(blocks)} is NaN; drop these rows "
            "from X and y, or provide at least one of the sequences"
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
    """Warn of missing names, of modalities without columns and of columns in no block."""
    losses = []
    if list(blocks) == [WHOLE] and asked is None:
        losses.append(
            f"the {n_columns} columns of X have no "
            f"{'names' if names is None else 'modality in their names'} "
            "and form one block, so no modalities are fused: name them "
            f"<modality>{SEPARATOR}<feature>, with set_output(transform='pandas') on the steps "
            "before, or set modalities="
        )
    present = {modality for block in blocks for modality in block.split("+")}
    if absent := [modality for modality in asked or [] if modality not in present]:
        losses.append(f"no column of X belongs to {listed(absent)}, which is left out")
    used = np.zeros(n_columns, dtype=bool)
    used[np.concatenate(list(blocks.values()))] = True
    if not used.all():
        unused = np.flatnonzero(~used)
        if names is None:
            which = f"columns {listed(unused.tolist(), 5)}"
        else:
            counts = Counter(names[place].partition(SEPARATOR)[0] for place in unused)
            which = listed([f"{prefix} ({count})" for prefix, count in counts.items()], 5)
        losses.append(f"{len(unused)} of {n_columns} columns are in no block and not used: {which}")
    for text in losses:
        warnings.warn(located(text), UserWarning, stacklevel=5)


def _columns_of_modalities(n_columns, names, modalities, missing):
    """Return the positions of the columns of every modality that has any."""
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
                f"column {name!r} lacks the prefix '<modality>{SEPARATOR}' that other columns "
                "have; rename it, or select the columns with modalities="
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
            f"modalities[{modality!r}] lists {len(unknown)} column(s) that X ({n_columns} "
            f"columns{' without names' if names is None else ''}) lacks: {listed(unknown, 5)}"
        )
    return np.array([place for place in places if place is not None], dtype=int)


def _refuse_repeats(asked, parameter):
    repeated = [name for name, count in Counter(asked).items() if count > 1]
    if repeated:
        raise ValueError(f"{parameter} contains {listed(repeated)} more than once")


def _refuse_unknown(asked, found, names, parameter, missing):
    unknown = [name for name in asked if name not in found]
    if not unknown or (missing == "ignore" and names is not None):
        return
    advice = (
        "If a selector dropped all its columns, keep the best with min_features_to_select, or use "
        "missing='ignore'"
        if names is not None
        else "X has no column names: use set_output(transform='pandas') on the steps before"
    )
    raise ValueError(
        f"{parameter} contains {listed(unknown)}, which has no column in X; X has {listed(found)}. "
        f"{advice}"
    )
