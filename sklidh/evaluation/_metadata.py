"""Routing of values per patient other than X, such as sites or weights."""

from collections.abc import Mapping

from sklearn import get_config
from sklearn.utils import check_consistent_length
from sklearn.utils.metadata_routing import get_routing_for_object

from sklidh.utils import check_same_patients

PREDICTIONS = ("predict", "predict_proba", "decision_function")


def requested(owner, method: str, params: Mapping) -> set[str]:
    """Return the names of the params that a method requests, by scikit-learn's rules.

    With metadata routing enabled, these are the params that the estimator or any of its steps
    requested. Without it, ``groups`` belong to the splitter and all others to `fit`.

    Parameters
    ----------
    owner : estimator or splitter
    method : str
        "fit", "split" or one of `PREDICTIONS`.
    params : mapping of str to array-like

    Returns
    -------
    set of str
    """
    if get_config()["enable_metadata_routing"]:
        # A fitted search predicts with its best estimator, but passes no metadata on to it.
        owner = getattr(owner, "best_estimator_", owner)
        return get_routing_for_object(owner).consumes(method, params.keys())
    return {"split": {"groups"}, "fit": params.keys() - {"groups"}}.get(method, set()) & set(params)


def params_for(owner, method: str, params: Mapping | None) -> dict:
    """Return the params that a method requests.

    Parameters
    ----------
    owner : estimator or splitter
    method : str
        As in `requested`.
    params : mapping of str to array-like of shape (n_patients,), or None

    Returns
    -------
    dict of str to array-like
    """
    params = params or {}
    return {name: params[name] for name in requested(owner, method, params)}


def check_params(params: Mapping | None, X, estimator, splitter=None):
    """Raise unless each of `params` has one value per patient and is requested by some step.

    Parameters
    ----------
    params : mapping of str to array-like, or None
    X : array-like of shape (n_patients, n_columns)
    estimator : classifier
    splitter : splitter, default=None

    Raises
    ------
    TypeError
        No step requests one of `params`, so that it would be ignored.
    ValueError
        The number of values differs from that of patients, or their index does (`CohortError`).
    """
    params = params or {}
    used = {name for m in ("fit", *PREDICTIONS) for name in requested(estimator, m, params)}
    if splitter is not None:
        used |= requested(splitter, "split", params)
    if unused := sorted(params.keys() - used):
        routing = get_config()["enable_metadata_routing"]
        raise TypeError(
            f"params: neither {type(estimator).__name__} nor the splitter requests {unused}"
            + (
                "; call set_fit_request(...) on the step that should receive it"
                if routing
                else "; pass a splitter that uses groups as cv"
            )
        )
    for name, values in params.items():
        check_consistent_length(values, X)
        check_same_patients(name, values, X)
