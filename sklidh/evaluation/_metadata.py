"""What is known of the patients beside X, such as sites or weights: who is handed it."""

from collections.abc import Mapping

from sklearn import get_config
from sklearn.utils import check_consistent_length
from sklearn.utils.metadata_routing import get_routing_for_object

from sklidh.utils import check_same_patients

PREDICTIONS = ("predict", "predict_proba", "decision_function")


def asked_for(owner, method: str, params: Mapping) -> set[str]:
    """Return the names of what a method wants, as scikit-learn decides it.

    With metadata routing on, that is what the estimator, or any step in it, requested. Else
    ``groups`` belong to the splitter and all the rest to `fit`.

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
        # A fitted search predicts by its best estimator, and does not pass anything on to it.
        owner = getattr(owner, "best_estimator_", owner)
        return get_routing_for_object(owner).consumes(method, params.keys())
    return {"split": {"groups"}, "fit": params.keys() - {"groups"}}.get(method, set()) & set(params)


def handed(owner, method: str, params: Mapping | None) -> dict:
    """Return what a method wants.

    Parameters
    ----------
    owner : estimator or splitter
    method : str
        As in `asked_for`.
    params : mapping of str to array-like of shape (n_patients,), or None

    Returns
    -------
    dict of str to array-like
    """
    params = params or {}
    return {name: params[name] for name in asked_for(owner, method, params)}


def check_params(params: Mapping | None, X, estimator, splitter=None):
    """Raise unless there is one value a patient, and somebody who asks for it.

    Parameters
    ----------
    params : mapping of str to array-like, or None
    X : array-like of shape (n_patients, n_columns)
    estimator : classifier
    splitter : splitter, default=None

    Raises
    ------
    TypeError
        Nobody asks for it: it would be ignored.
    ValueError
        Another number of values than of patients, or other patients (a `CohortError`).
    """
    params = params or {}
    used = {name for m in ("fit", *PREDICTIONS) for name in asked_for(estimator, m, params)}
    if splitter is not None:
        used |= asked_for(splitter, "split", params)
    if unused := sorted(params.keys() - used):
        routing = get_config()["enable_metadata_routing"]
        raise TypeError(
            f"params: neither {type(estimator).__name__} nor the folds ask for {unused}"
            + (
                "; name it by set_fit_request(...) of the step that shall have it"
                if routing
                else "; give a splitter that uses groups as cv"
            )
        )
    for name, values in params.items():
        check_consistent_length(values, X)
        check_same_patients(name, values, X)
