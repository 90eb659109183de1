"""Explain the prediction of one patient: contributions, neighbours, position."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import nan_euclidean_distances

from sklidh.evaluation._calibration import CLIP
from sklidh.plotting._axes import COLOURS
from sklidh.plotting._display import PanelsDisplay
from sklidh.plotting._gradient_map import gradient_maps
from sklidh.plotting._shapley import exact, sampled
from sklidh.utils import Target

MOST_SEQUENCES = 10
MOST_REFERENCES = 100
"""Number of training patients used as background for the sequences: more only cost time."""


@dataclass(repr=False)
class Explanation(PanelsDisplay):
    """Draw the contributions to the prediction of one patient, computed by `explain`.

    `plot` draws the sequences, and the ``n_features=10`` features that contribute most.

    Parameters
    ----------
    patient : str
    probability : float
        Probability of a mutation; of another target, of its positive class, or of the most probable
        of several classes.
    sequences : Series of shape (n_sequences,)
        Contribution of each available sequence, in log odds; positive values raise the probability
        of a mutation, or of the explained class.
    features : DataFrame of shape (n_features, 3)
        ``contribution``, its standard error ``se`` (0 if exact), and ``percentile``, the percentage
        of training patients with a smaller value. Largest contributions first.
    nearest : DataFrame of shape (n_nearest, 2)
        The most similar training patients: ``distance``, the root mean square of the features'
        differences in standard deviations, and their ``class`` in words.
    farther : float
        Percentage of training patients that are farther from their nearest neighbour than this
        patient is. A value near 0 means that the patient is unlike all of them.
    method : str
        Description of how the contributions were computed.
    values : DataFrame of shape (n_training + 1, n_features)
        Features in standard deviations from the training mean; the patient is the last row.
    is_class : ndarray of bool of shape (n_training,)
        Which training patients are of the explained class, such as mutant.
    target : Target
        The explained class against the rest.
    maps : dict of str to GradientMap
        Saliency maps by modality, for `GradientMapDisplay`; empty without networks.
    """

    patient: str
    probability: float
    sequences: pd.Series
    features: pd.DataFrame
    nearest: pd.DataFrame
    farther: float
    method: str
    values: pd.DataFrame
    is_class: np.ndarray
    target: Target
    maps: dict

    _grid = (1, 3)
    _ratios = (1, 1.4, 2)

    def _draw(self, axes, *, n_features=10):
        top = self.features.head(n_features)
        self.figure_.set_size_inches(13, 1.6 + 0.3 * max(len(top), 3))
        whole, each, cohort = axes
        for ax, bars in ((whole, self.sequences), (each, top["contribution"])):
            colours = [COLOURS[int(value > 0)] for value in bars]
            ax.barh(range(len(bars)), bars, color=colours, height=0.6)
            ax.axvline(0, color="0.3", linewidth=1)
            names = [name.replace("__", " ") for name in bars.index]
            ax.set_yticks(range(len(bars)), names, fontsize="small")
            ax.set_xlabel("log odds")
        each.errorbar(
            top["contribution"], range(len(top)), xerr=top["se"], fmt="none", ecolor="0.4"
        )
        jitter = np.random.default_rng(0).uniform(-0.2, 0.2, len(self.is_class))
        for place, name in enumerate(top.index):
            *training, own = np.clip(self.values[name], -4, 4)
            for code, word in enumerate(self.target.classes):
                shown = self.is_class == bool(code)
                cohort.plot(
                    np.array(training)[shown],
                    place + jitter[shown],
                    ".",
                    color=COLOURS[code],
                    alpha=0.4,
                    label=word if place == 0 else None,
                )
            label = "this patient" if place == 0 else None
            cohort.plot(own, place, "D", color="black", markersize=7, label=label)
        cohort.set_yticks(range(len(top)), [])
        cohort.set_xlabel("standard deviations from the mean")
        for ax, title in zip(
            axes, ("By sequence", "By feature", "Among training patients"), strict=True
        ):
            ax.invert_yaxis()
            ax.spines[["top", "right"]].set_visible(False)
            ax.set_title(title, fontsize="medium")
        cohort.legend(fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        self.figure_.suptitle(self._title)

    @property
    def _title(self) -> str:
        return f"{self.patient}: probability of {self.target.event} {self.probability:.2f}"

    def __repr__(self) -> str:
        lines = [
            self._title,
            f"Contributions in log odds: {self.method}",
            self.sequences.round(2).to_string(),
            self.features.head(10).round(2).to_string(),
            f"Most similar training patients ({self.farther:.0f} % of them are farther from their "
            "own nearest neighbour):",
            self.nearest.round(2).to_string(),
        ]
        return "\n".join(lines)


def explain(
    pipeline, X, training, y, *, n_nearest=5, n_permutations=20, random_state=0
) -> Explanation:
    """Explain the prediction of one patient.

    Contributions are Shapley values of the log odds: the average effect of replacing the values of
    a training patient by this patient's, over all orders of replacement. For sequences they are
    exact with any model. For features they are exact with a logistic regression; with other models
    they are means over random orders, with their standard error.

    A training patient can be explained too: it is then excluded from its own neighbours.

    Parameters
    ----------
    pipeline : fitted Pipeline
        Its last step predicts from features named ``modality__feature``, as in
        `make_idh_pipeline`.
    X : DataFrame of shape (1, n_columns)
        One patient: ``X.loc[[patient]]``.
    training : DataFrame of shape (n_patients, n_columns)
        The training patients.
    y : array-like of shape (n_patients,)
        Their classes, as `sklidh.utils.Target.read` takes them. Of more than two, the class that is
        most probable for the patient is explained, against all others.
    n_nearest : int, default=5
        Number of neighbours to list.
    n_permutations : int, default=20
        Random orders for the features, each forwards and backwards.
    random_state : int or None, default=0

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError
        X does not have exactly one row, the features have other names or belong to more than 10
        sequences, or no training patient has all sequences of this one.

    References
    ----------
    S. M. Lundberg, S.-I. Lee, NeurIPS 2017: Shapley values of predictions. E. Strumbelj, I.
    Kononenko, Knowledge and Information Systems 41, 2014: their estimation from orders.
    """
    if len(X) != 1:
        raise ValueError(f"explain takes one patient, but X has {len(X)} rows; use X.loc[[id]]")
    if n_permutations < 2:
        raise ValueError(f"n_permutations={n_permutations}: at least 2 are needed")
    own, reference = (features_of(pipeline, table) for table in (X, training))
    names = own.columns
    if not all("__" in str(name) for name in names):
        raise ValueError("the features of the last step must be named modality__feature")
    model = pipeline[-1]
    target, codes = Target.read(y)
    columns = target.columns(model.classes_)
    code = 1 if target.is_binary else int(model.predict_proba(own)[0, columns].argmax())
    place = columns[code]

    def log_odds(rows):
        probability = model.predict_proba(pd.DataFrame(rows, columns=names))[:, place]
        return logit(np.clip(probability, CLIP, 1 - CLIP))

    probability = float(model.predict_proba(own)[0, place])
    x, rng = own.to_numpy(float)[0], np.random.default_rng(random_state)
    known = np.flatnonzero(~np.isnan(x))
    whole = reference[names[known]].notna().all(axis=1).to_numpy()
    rows = reference.to_numpy(float)[whole]
    if not len(rows):
        raise ValueError("no training patient has all of this patient's sequences")
    # A sequence that the patient lacks is removed from the background too.
    rows[:, np.isnan(x)] = np.nan
    blocks = pd.Series(known).groupby([str(names[i]).split("__")[0] for i in known], sort=False)
    if blocks.ngroups > MOST_SEQUENCES:
        raise ValueError(
            f"{blocks.ngroups} sequences, but at most {MOST_SEQUENCES} can be explained; the "
            "part of a feature's name before __ is its sequence"
        )
    few = rows[rng.permutation(len(rows))[:MOST_REFERENCES]]
    sequences = exact(log_odds, x, few, {name: each.to_numpy() for name, each in blocks})
    if isinstance(model, LogisticRegression) and target.is_binary:
        sign = 1 if place == 1 else -1
        found = sign * model.coef_[0, known] * (x - rows.mean(axis=0))[known]
        spread, method = np.zeros(len(known)), "exact (Shapley values of a linear model)"
    else:
        found, spread = sampled(log_odds, x, rows, known, n_permutations, rng)
        method = f"sequences exact, features over {2 * n_permutations} random orders"
    scale = reference.std().replace(0, 1)
    values = (pd.concat([reference, own]) - reference.mean()) / scale
    features = pd.DataFrame({"contribution": found, "se": spread}, index=names[known])
    below = (reference[names[known]] < x[known]).sum() / reference[names[known]].notna().sum()
    features["percentile"] = 100 * below
    features = features.iloc[np.argsort(-np.abs(found), kind="stable")]
    away = nan_euclidean_distances(values) / np.sqrt(len(names))
    np.fill_diagonal(away, np.inf)
    same = np.isclose(reference.to_numpy(float), x, equal_nan=True).all(axis=1)
    away[-1, :-1][same & (reference.index == own.index[0])] = np.inf
    codes = np.asarray(codes)
    order = np.argsort(away[-1, :-1], kind="stable")[:n_nearest]
    order = order[np.isfinite(away[-1, order])]
    nearest = {"distance": away[-1, order], "class": np.array(target.classes)[codes[order]]}
    farther = 100 * np.mean(np.nanmin(away[:-1, :-1], axis=1) > np.nanmin(away[-1, :-1]))
    return Explanation(
        patient=str(own.index[0]),
        probability=probability,
        sequences=sequences,
        features=features,
        nearest=pd.DataFrame(nearest, index=reference.index[order]),
        farther=float(farther),
        method=method,
        values=values,
        is_class=codes == code,
        target=target.against_rest(code),
        maps=gradient_maps(pipeline, X)[own.index[0]],
    ).plot()


def features_of(pipeline, table: pd.DataFrame) -> pd.DataFrame:
    """Return the input of the last step of a pipeline, with feature names."""
    features = pipeline[:-1].transform(table)
    if isinstance(features, pd.DataFrame):
        return features
    return pd.DataFrame(features, table.index, pipeline[:-1].get_feature_names_out())
