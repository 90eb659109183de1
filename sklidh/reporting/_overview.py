"""A cohort at a glance, in a notebook: counts by class, and pictures of some patients."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sklidh.images import image_columns
from sklidh.reporting._page import render_page
from sklidh.reporting._pictures import slices_of
from sklidh.reporting._subgroups import MOST_GROUPS, with_ages
from sklidh.utils import is_missing


def cohort_table(X: pd.DataFrame, y: pd.Series, modalities) -> pd.DataFrame:
    """Count patients by class: in all, without each sequence, and by site and sex.

    The columns are ``patients``, ``without T1``, ``at A`` (for at most 12 sites), ``sex F`` and
    ``median age``, as far as X has them; the rows are the classes, then "all". Ages must be
    numbers, as `with_ages` returns them.
    """
    columns = {"patients": pd.Series(1, X.index)}
    columns |= {f"without {name}": X[name].map(is_missing).astype(int) for name in modalities}
    named = {str(name).lower(): X[name] for name in X.columns}
    for kind, heading in (("site", "at"), ("sex", "sex")):
        if kind in named and named[kind].nunique() <= MOST_GROUPS:
            values = sorted(named[kind].dropna().unique(), key=str)
            columns |= {f"{heading} {value}": named[kind] == value for value in values}
    counted, classes = pd.DataFrame(columns).astype(int), y.astype(str).to_numpy()
    table = counted.groupby(classes).sum()
    table.loc["all"] = counted.sum()
    if "age" in named:
        ages = named["age"]
        middle = ages.groupby(classes).median()
        middle["all"] = ages.median()
        if middle.notna().all():
            table["median age"] = middle.round().astype(int)
    return table.loc[:, table.loc["all"] > 0].rename_axis(str(y.name))


@dataclass(frozen=True, repr=False)
class CohortOverview:
    """Show the composition of a cohort in a notebook, with pictures of its first patients.

    Build it with `from_cohort`.

    Parameters
    ----------
    table : DataFrame of shape (n_classes + 1, n_columns)
        From `cohort_table`.
    modalities : list of str
    labels : dict of str to str
        The class of each pictured patient.
    slices : dict of str to dict of str to str
        JPEG pictures in base64, by patient and modality.
    """

    table: pd.DataFrame
    modalities: list[str]
    labels: Mapping[str, str]
    slices: Mapping[str, Mapping[str, str]]

    @classmethod
    def from_cohort(
        cls, X: pd.DataFrame, y: pd.Series, modalities=None, *, label=None, most: int = 8
    ):
        """Count the patients of a cohort, and draw some of them.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            As returned by `sklidh.load_cohort`.
        y : Series of shape (n_patients,)
        modalities : sequence of str, default=None
            None uses every column of images.
        label : int, str or sequence of these, default=None
            The tumour's labels, as in `sklidh.images.read_mask`.
        most : int, default=8
            Number of patients to draw, from the top of the table: the slice with the largest tumour
            area, with the mask outlined at its position in space.

        Returns
        -------
        CohortOverview

        Raises
        ------
        ImageError
            An image cannot be read; `sklidh check` lists all problems.
        """
        named = [name for name in image_columns(X) if name != "mask"]
        modalities = named if modalities is None else list(modalities)
        slices = {
            str(name): slices_of(case, modalities, label) for name, case in X[:most].iterrows()
        }
        labels = {str(name): str(label) for name, label in y[:most].items()}
        return cls(cohort_table(with_ages(X), y, modalities), modalities, labels, slices)

    def __repr__(self) -> str:
        return f"{self.table.to_string()}\n{len(self.slices)} patients are pictured in a notebook."

    def _repr_html_(self) -> str:
        table = self.table.to_html(border=0)
        return render_page("cohort.html", cohort=self, table=table, target=self.table.index.name)
