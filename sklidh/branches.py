"""Branches of the pipeline: one per modality, all reading the same table."""

from collections.abc import Iterator
from contextlib import nullcontext

from joblib import parallel_config
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from sklidh.utils import PAPER_MODALITIES as MODALITIES
from sklidh.utils import DocumentedMixin, part


class ModalityBranch(DocumentedMixin, Pipeline):
    """The steps of one modality, with its name in warnings and progress.

    The columns of a selector have the same names in every branch, so the modality is taken from the
    table that enters the branch. `per_modality` converts Pipelines to this class.

    Parameters
    ----------
    steps : list of (str, estimator)
    transform_input, memory, verbose : optional
        All as in `sklearn.pipeline.Pipeline`.
    """

    def fit_transform(self, X, y=None, **params):
        """Fit the steps and transform.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            The image column first, or features named ``modality__feature``.
        y : array-like of shape (n_patients,), default=None
        **params
            As in `Pipeline.fit_transform`.

        Returns
        -------
        DataFrame of shape (n_patients, n_features)
        """
        with part(str(X.columns[0]).split("__")[0]):
            return super().fit_transform(X, y, **params)


class ModalityTransformer(DocumentedMixin, ColumnTransformer):
    """A ColumnTransformer that passes its output format to all steps, including replaced ones.

    scikit-learn passes the output format only to the steps that exist when ``set_output`` is
    called. A selector inserted later, by ``set_params`` or into a branch's ``steps``, would return
    an array without the patient index, and the modalities could not be joined row by row. Therefore
    the format is set again before the steps are fitted.

    Parameters
    ----------
    transformers : list of (str, transformer, list of str)
        Modality, branch, and the branch's columns (image and mask), as built by `per_modality`.
    remainder, sparse_threshold, n_jobs, transformer_weights : optional
        As in `sklearn.compose.ColumnTransformer`.
    verbose, verbose_feature_names_out : bool
        As in `sklearn.compose.ColumnTransformer`.
    """

    def set_output(self, *, transform=None):
        """Set the output format of this container and of all steps in it.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None

        Returns
        -------
        ModalityTransformer
            This one.

        Raises
        ------
        ValueError
            A step cannot name the columns that it returns.
        """
        for modality, branch, _ in self.transformers if transform in ("pandas", "polars") else ():
            for step in _steps(branch):
                if hasattr(step, "transform") and not hasattr(step, "set_output"):
                    raise ValueError(
                        f"{modality}: {step!r} does not name the columns that it returns, which "
                        f"the fusion needs; let {type(step).__name__} inherit from SelectorMixin "
                        "(sklearn.feature_selection) and define _get_support_mask, or from "
                        "TransformerMixin and define get_feature_names_out"
                    )
        return super().set_output(transform=transform)

    def fit_transform(self, X, y=None, **params):
        """Fit all branches and transform.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,), default=None
        **params
            As in `ColumnTransformer`.

        Returns
        -------
        DataFrame or ndarray of shape (n_patients, n_features)
        """
        output = getattr(self, "_sklearn_output_config", {}).get("transform")
        if output is not None:
            self.set_output(transform=output)
        with parallel_config("threading") if self._uses_gpu() else nullcontext():
            return super().fit_transform(X, y, **params)

    def transform(self, X, **params):
        """Transform with all branches.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
        **params
            As in `ColumnTransformer`.

        Returns
        -------
        DataFrame or ndarray of shape (n_patients, n_features)
        """
        with parallel_config("threading") if self._uses_gpu() else nullcontext():
            return super().transform(X, **params)

    def _uses_gpu(self):
        """Return whether a step would run on a GPU, where each process needs a context."""
        parameters = self.get_params().items()
        devices = {value for name, value in parameters if name.endswith("__device")} - {"cpu"}
        if not devices:
            return False
        from sklidh.nn._device import choose_device  # loads torch

        return any(choose_device(device) != "cpu" for device in devices)


def per_modality(branch, modalities=MODALITIES, *, mask="mask", n_jobs=None) -> ModalityTransformer:
    """Build one branch per modality, with its image and the tumour mask as input.

    Parameters
    ----------
    branch : callable or estimator
        A function without arguments that returns the transformer of a modality, called once per
        modality, or an estimator that is cloned.
    modalities : sequence of str, default=("T1", "T1CE", "T2", "FLAIR")
        Image columns; their names become the branch names and the prefixes of the feature names.
    mask : str, default="mask"
        Mask column.
    n_jobs : int, default=None
        Number of branches fitted in parallel.

    Returns
    -------
    ModalityTransformer
        A ColumnTransformer from a DataFrame of images (n_patients, n_columns) to a DataFrame of
        features named ``modality__feature``. The output is set to pandas unless a step cannot name
        its columns; the fusion needs the names to assign columns to modalities.

    Raises
    ------
    ValueError
        `modalities` is empty, contains a modality twice or contains the mask.

    Examples
    --------
    >>> from sklidh import RadiomicsExtractor, per_modality
    >>> [name for name, _, _ in per_modality(RadiomicsExtractor(), ["T1CE", "FLAIR"]).transformers]
    ['T1CE', 'FLAIR']
    """
    modalities = list(modalities)
    if not modalities or len(set(modalities)) < len(modalities) or mask in modalities:
        raise ValueError(
            f"modalities must be one or more distinct image columns, without the mask {mask!r}; "
            f"got {modalities}"
        )
    make = (lambda: clone(branch)) if isinstance(branch, BaseEstimator) else branch
    joined = ModalityTransformer(
        [(modality, _as_branch(make()), [modality, mask]) for modality in modalities], n_jobs=n_jobs
    )
    try:
        clone(joined).set_output(transform="pandas")
    except ValueError:  # a custom step does not name its columns; the fusion will warn
        return joined
    return joined.set_output(transform="pandas")


def _steps(branch) -> Iterator:
    """Yield the steps of a branch, including those of nested Pipelines."""
    for _, step in branch.steps if isinstance(branch, Pipeline) else ():
        yield from _steps(step)
    if not isinstance(branch, Pipeline):
        yield branch


def _as_branch(branch):
    """Convert a Pipeline to a `ModalityBranch`; return anything else unchanged."""
    if type(branch) is not Pipeline:
        return branch
    return ModalityBranch(**branch.get_params(deep=False))
