"""Facts about a run in words, for its checklists and its model card."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, StrictUndefined, UndefinedError

from sklidh.evaluation import figures_with_intervals, is_rule, sample_size_notes
from sklidh.reporting._figures import OF_COMPARISON
from sklidh.reporting._intervals import p_value
from sklidh.reporting._run import Run
from sklidh.reporting._stability import span, stability_of, total_counts
from sklidh.reporting._subgroups import NOT_REPORTED
from sklidh.utils import Target

TESTS = {
    "DeLong": "DeLong's test of the AUC",
    "resampled t": "Corrected resampled t test of the folds' AUCs",
}


def in_words(value) -> str:
    """Write a setting in words: groups as ``T1+T1CE, FLAIR``, an empty one as ``none``."""
    if value is None or value in ([], (), "", {}):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={in_words(each)}" for name, each in value.items())
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        return str(value)
    parts = ("+".join(part) if isinstance(part, (list, tuple)) else str(part) for part in value)
    return ", ".join(parts)


def output_of(target: Target, threshold: str) -> str:
    """State what a model returns, and when it predicts which class."""
    if target.is_binary:
        return (
            f"The probability of {target.event}. Predicted {target.classes[1]} from: {threshold}."
        )
    return f"The probability of each class: {', '.join(target.classes)}. The largest decides."


def facts_of(run: Run) -> dict[str, str]:
    """Return the facts about a run in words, by the names in ``templates/facts.yaml``."""
    facts = {name.replace(" ", "_"): text for name, text in run.description.items()}
    known = {"settings": run.settings, "versions": run.versions, "attention": run.attention}
    known |= _patient_facts(run) | _feature_facts(run) | _model_facts(run)
    for name, template in _templates().items():
        known["output"] = output_of(run.comparison.target, facts.get("threshold", ""))
        try:
            text = " ".join(template.render(known | facts).split())
        except UndefinedError:
            continue
        if text:
            facts[name] = text
    return facts


@cache
def _templates() -> dict:
    # Plain text: the page templates escape it.
    environment = Environment(undefined=StrictUndefined)
    environment.filters |= {"in_words": in_words, "span": span, "p_value": p_value}
    text = files("sklidh.reporting").joinpath("templates/facts.yaml").read_text(encoding="utf-8")
    return {name: environment.from_string(words) for name, words in yaml.safe_load(text).items()}


def _patient_facts(run: Run) -> dict:
    counts, classes = run.cohort.loc["all"], run.cohort["patients"].drop("all")
    people = [f"{n} of {name}" for name, n in counts.items() if name.startswith("sex ")]
    people += [f"median age {counts['median age']}"] if "median age" in counts else []
    reported = run.groups.index[run.groups["AUC"] != NOT_REPORTED]
    found = {
        "cohort": run.cohort,
        "counts": counts.to_dict(),
        "classes": classes.to_dict(),
        "without": [f"{name}: {n}" for name, n in counts.items() if name.startswith("without ")],
        "people": people,
        "sites": [f"{name[3:]} ({n})" for name, n in counts.items() if name.startswith("at ")],
        "kinds": dict.fromkeys(group.split(" ")[0] for group in reported),
    }
    target = run.comparison.target
    if run.flow and run.training_classes:
        notes = sample_size_notes(
            target.as_words(pd.Series(np.repeat(range(len(target.classes)), run.training_classes))),
            n_candidates=max(total_counts(run.flow, "all")),
            n_selected=float(np.mean(total_counts(run.flow))),
        )
        # The width of intervals depends on the test patients, which the headline covers.
        found["sample_size"] = [note for note in notes if "narrow intervals" not in note]
        found["n_parts"] = run.shown[1].predictions.groupby(["repeat", "fold"]).ngroups
    return found


def _feature_facts(run: Run) -> dict:
    return {
        "flow": run.flow,
        "extracted": {
            modality: " and ".join(f"{n} {kind}" for kind, n in each["extracted"].items())
            for modality, each in run.flow.items()
        },
        "selected": total_counts(run.flow),
        "stability": stability_of(run.features),
    }


def _model_facts(run: Run) -> dict:
    name, shown = run.shown
    first, thresholds = shown.repeats[0], shown.predictions["threshold"]
    plots = [each for each in run.figures if each in (*OF_COMPARISON, "confusion")]
    rule = run.settings.get("threshold")
    tuned = {
        "the weights of the fusion's constraints": run.settings.get("tune"),
        "the LASSO penalty": any("LASSO" in each["left"] for each in run.flow.values()),
        "the threshold": is_rule(rule),
    }
    found = {
        "name": name,
        "names": list(run.comparison.evaluations),
        "plots": [each.replace("_", " ").replace("roc", "ROC") for each in plots],
        "measured": figures_with_intervals({name: shown}).loc[name].to_dict(),
        "low": thresholds.min(),
        "high": thresholds.max(),
        "rule": rule if is_rule(rule) else "",
        "tuned": [choice for choice, is_made in tuned.items() if is_made],
        "has_networks": bool(run.attention)
        or any("deep" in each["extracted"] for each in run.flow.values()),
        "trained": first["n_trained"],
        "n_tested": len(first),
        "counted": shown.target.count(first["true"]).split(",")[0]
        if shown.target.is_binary
        else shown.target.count(first["true"]),
        "n_folds": first["fold"].nunique(),
        "n_repeats": len(shown.repeats),
    }
    if len(found["names"]) > 1:
        tests = run.comparison.tests(name)
        found["test"] = TESTS[tests["test"].iloc[0]]
        found["pvalues"] = tests["p Holm"].to_dict()
    return found
