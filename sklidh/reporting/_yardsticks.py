"""What every model should beat: the patients' age alone, and the size of the tumour alone."""

import warnings

import numpy as np
import pandas as pd
import SimpleITK as sitk
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklidh.evaluation import Evaluation
from sklidh.images import read_image, read_mask
from sklidh.utils import binary_target, is_missing, progress

AGE, VOLUME = "Age alone", "Tumour volume alone"


def yardsticks(
    evaluation: Evaluation, X: pd.DataFrame, y: pd.Series, modalities, *, label=None, verbose=0
) -> dict[str, Evaluation]:
    """Evaluate logistic regressions on age and on tumour volume, in the folds of an evaluation.

    Age is read from a column "age", the volume from the masks, of which `label` is tumour. Empty if
    X lacks the patients who were trained on, as in a test on another cohort.
    """
    predicted = evaluation.predictions
    folds = list(predicted.groupby(["repeat", "fold"], sort=False).indices.values())
    training = [X.index.difference(predicted.index[rows], sort=False) for rows in folds]
    n_trained = [predicted["n_trained"].iloc[rows[0]] for rows in folds]
    if not X.index.is_unique or list(map(len, training)) != n_trained:
        return {}
    mutant = pd.Series(np.asarray(binary_target(y), bool), X.index)
    columns = {}
    for name in X.columns:
        if str(name).lower() == "age":
            columns[AGE] = pd.to_numeric(X[name], errors="coerce")
    if "mask" in X:
        columns[VOLUME] = _log_volumes(X, modalities, label, verbose)
    found = {}
    for name, values in columns.items():
        probability = np.empty(len(predicted))
        for rows, trained in zip(folds, training, strict=True):
            if values[trained].notna().sum() < 2:
                break
            model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
            model.fit(values[trained].to_numpy()[:, None], mutant[trained])
            tested = values[predicted.index[rows]].to_numpy()[:, None]
            probability[rows] = model.predict_proba(tested)[:, 1]
        else:
            answers = {"score": probability, "probability": probability, "threshold": 0.5}
            table = predicted.assign(**answers, called=probability >= 0.5)
            found[name] = Evaluation(table)
    return found


def _log_volumes(X: pd.DataFrame, modalities, label, verbose) -> pd.Series:
    """Return the logarithm of each tumour's volume in cubic millimetres; NaN without a mask."""
    volumes = pd.Series(np.nan, X.index)
    with warnings.catch_warnings():
        # Every mask was read before, and its warnings were given then.
        warnings.simplefilter("ignore")
        cases = progress(X.iterrows(), "tumour volumes", total=len(X), verbose=verbose)
        for patient, case in cases:
            if is_missing(case["mask"]):
                continue
            like = None
            if str(case["mask"]).lower().endswith(".dcm"):  # drawn on an image, which has the grid
                name = next(name for name in modalities if not is_missing(case[name]))
                like = read_image(case[name])
            mask = read_mask(case["mask"], label=label, like=like, patient=patient)
            n_voxels = np.count_nonzero(sitk.GetArrayViewFromImage(mask))
            volumes[patient] = np.log(n_voxels * np.prod(mask.GetSpacing()))
    return volumes
