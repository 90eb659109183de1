"""Simple baselines that every model should beat: age alone and tumour volume alone."""

import warnings

import numpy as np
import pandas as pd

from sklidh.baselines._models import one_number
from sklidh.evaluation import Evaluation
from sklidh.images import read_image, read_mask
from sklidh.images._grids import volume_of
from sklidh.utils import is_missing, progress

AGE, VOLUME = "Age alone", "Tumour volume alone"


def training_folds(evaluation: Evaluation, X: pd.DataFrame) -> list[tuple[np.ndarray, pd.Index]]:
    """Return the predicted rows and the training patients of each fold.

    Empty if X lacks the training patients, as with an external test cohort.
    """
    predicted = evaluation.predictions
    rows = list(predicted.groupby(["repeat", "fold"], sort=False).indices.values())
    training = [X.index.difference(predicted.index[each], sort=False) for each in rows]
    n_trained = [predicted["n_trained"].iloc[each[0]] for each in rows]
    is_known = X.index.is_unique and list(map(len, training)) == n_trained
    return list(zip(rows, training, strict=True)) if is_known else []


def training_classes(evaluation: Evaluation, X: pd.DataFrame, y: pd.Series) -> list[int]:
    """Count the classes in the training set with the fewest patients of a class.

    Empty if X lacks the training patients.
    """
    codes = pd.Series(np.asarray(evaluation.target.codes(y)), X.index)
    counts = [
        np.bincount(codes[trained], minlength=len(evaluation.target.classes)).tolist()
        for _, trained in training_folds(evaluation, X)
    ]
    return min(counts, key=min, default=[])


def simple_baselines(
    evaluation: Evaluation, X: pd.DataFrame, y: pd.Series, modalities, *, label=None, verbose=0
) -> dict[str, Evaluation]:
    """Evaluate logistic regressions on age and on tumour volume, in the folds of an evaluation.

    Ages come from a column "age" of numbers, volumes from the masks, in which `label` is tumour.
    Empty if X lacks the training patients.
    """
    folds = training_folds(evaluation, X)
    if not folds:
        return {}
    ages = [X[name].astype(float) for name in X.columns if str(name).lower() == "age"]
    columns = dict(zip([AGE], ages, strict=False))
    if "mask" in X:
        columns[VOLUME] = _log_volumes(X, modalities, label, verbose)
    predicted, found = evaluation.predictions, {}
    target = evaluation.target
    codes = pd.Series(np.asarray(target.codes(y)), X.index)
    for name, values in columns.items():
        if any(values[trained].count() < 2 for _, trained in folds):
            continue
        table, probability = values.to_frame(name), np.empty((len(predicted), len(target.classes)))
        for rows, trained in folds:
            model = one_number(name).fit(table.loc[trained], codes[trained])
            tested = table.loc[predicted.index[rows]]
            probability[rows] = model.predict_proba(tested)
        if target.is_binary:
            second = probability[:, 1]
            answers = {"score": second, "probability": second, "threshold": 0.5}
            answers["called"] = second >= 0.5
        else:
            answers = {
                f"probability {word}": probability[:, k] for word, k in target.evaluated.items()
            }
            answers["called"] = probability.argmax(1)
        found[name] = Evaluation(predicted.assign(**answers), target=target)
    return found


def _log_volumes(X: pd.DataFrame, modalities, label, verbose) -> pd.Series:
    """Return the logarithm of each tumour's volume in ml; NaN without a mask."""
    volumes = pd.Series(np.nan, X.index)
    with warnings.catch_warnings():
        # Warnings were already issued when the masks were read before.
        warnings.simplefilter("ignore")
        cases = progress(X.iterrows(), "tumour volumes", total=len(X), verbose=verbose)
        for patient, case in cases:
            if is_missing(case["mask"]):
                continue
            like = None
            if str(case["mask"]).lower().endswith(".dcm"):  # lies in the grid of an image
                name = next(name for name in modalities if not is_missing(case[name]))
                like = read_image(case[name])
            mask = read_mask(case["mask"], label=label, like=like, patient=patient)
            volumes[patient] = np.log(volume_of(mask))
    return volumes
