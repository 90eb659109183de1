"""Facts of a run in words, for its checklists and its model card."""

import numpy as np
import pandas as pd

from sklidh.evaluation import figures_with_intervals, is_rule, sample_size_notes
from sklidh.reporting._figures import OF_COMPARISON
from sklidh.reporting._intervals import number
from sklidh.reporting._run import Run
from sklidh.reporting._stability import in_total, span, stability_of
from sklidh.reporting._subgroups import UNTOLD

TESTS = {
    "DeLong": "DeLong's test of the AUC",
    "resampled t": "Corrected resampled t test of the folds' AUCs",
}


def facts_of(run: Run) -> dict[str, str]:
    """Put what is known of a run into words, by the names that the checklists use.

    A fact that the run does not know is absent: a run from Python with its own settings knows less
    than a run of the command line.
    """
    return _of_patients(run) | _of_features(run) | _of_models(run) | _of_settings(run)


def in_words(value) -> str:
    """Write a setting as a person would: groups as ``T1+T1CE, FLAIR``."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        return "none" if value is None else str(value)
    parts = ("+".join(part) if isinstance(part, (list, tuple)) else str(part) for part in value)
    return ", ".join(parts)


def _of_patients(run: Run) -> dict[str, str]:
    target, classes = run.cohort.index.name, run.cohort["patients"].drop("all")
    counts = run.cohort.loc["all"]
    without = counts[counts.index.str.startswith("without ")]
    sites = counts[counts.index.str.startswith("at ")]
    facts = {
        "target": str(target),
        "patients": f"{run.cohort.loc['all', 'patients']} patients",
        "classes": ", ".join(f"{n} patients with {target} {name}" for name, n in classes.items()),
        "lacking": "No patient lacks a sequence."
        if without.empty
        else "Patients " + ", ".join(f"{name}: {n}" for name, n in without.items()) + ".",
    }
    people = [f"{n} of {name}" for name, n in counts.items() if name.startswith("sex ")]
    people += [f"median age {counts['median age']}"] if "median age" in counts else []
    if people:
        facts["people"] = ", ".join(people)
    told = run.groups.index[run.groups["AUC"] != UNTOLD]
    if len(told):
        kinds = dict.fromkeys(group.split(" ")[0] for group in told)
        facts["groups"] = ", ".join(kinds)
        if "site" in kinds:
            facts["by_site"] = "Performance by site is under “By group of patients”."
    if len(sites):
        named = ", ".join(f"{name.removeprefix('at ')} ({n})" for name, n in sites.items())
        facts["sites"] = f"Sites: {named}"
    if run.flow and len(classes) == 2:
        wildtypes, mutants = classes
        notes = sample_size_notes(
            [0] * wildtypes + [1] * mutants,
            n_candidates=max(in_total(run.flow, "all")),
            n_selected=float(np.mean(in_total(run.flow))),
        )
        facts["sample_size"] = " ".join(notes)
    return facts


def _of_features(run: Run) -> dict[str, str]:
    facts = {name.replace(" ", "_"): text for name, text in run.description.items()}
    if "steps" in facts:
        facts["harmonised"] = (
            "ComBat removes the effects of the sites, estimated on training patients."
            if "ComBat(" in facts["steps"]
            else "ComBat is not among the steps: features were not harmonised over sites."
        )
    if run.attention:
        facts["attention"] = "saliency maps of the networks."
    if not run.flow:
        return facts
    extracted = {
        modality: " and ".join(f"{n} {kind}" for kind, n in each["extracted"].items())
        for modality, each in run.flow.items()
    }
    same = set(extracted.values())
    facts["extracted"] = (
        f"{same.pop()} features of each sequence ({', '.join(extracted)})"
        if len(same) == 1
        else "; ".join(f"{text} features of {modality}" for modality, text in extracted.items())
    )
    facts["left"] = "; ".join(
        f"{modality}: "
        + ", ".join(f"{span(counts)} {_when(stage)}" for stage, counts in each["left"].items())
        for modality, each in run.flow.items()
    )
    facts["n_selected"] = f"{span(in_total(run.flow))} features"
    if agreement := stability_of(run.features):
        facts["stability"] = agreement
    return facts


def _when(stage: str) -> str:
    return "in all" if stage == "all" else f"after {stage}"


def _of_models(run: Run) -> dict[str, str]:
    name, shown = run.shown
    figures = figures_with_intervals({name: shown}).loc[name]
    plots = [
        each.replace("_", " ") for each in run.figures if each in (*OF_COMPARISON, "confusion")
    ]
    facts = {
        "shown": name,
        "plots": ", ".join(plots).replace("roc", "ROC") or "none",
        "figures": ", ".join(f"{metric} {text}" for metric, text in figures.items()),
        "threshold": _threshold(shown.predictions["threshold"], run.settings.get("threshold")),
        "version": run.versions["sklidh"],
        "software": ", ".join(f"{package} {number}" for package, number in run.versions.items()),
    }
    names = list(run.comparison.evaluations)
    if len(names) > 1:
        tests = run.comparison.tests(name)
        facts["models"] = facts["others"] = ", ".join(names)
        facts["tests"] = (
            f"{TESTS[tests['test'].iloc[0]]} against {name}, p-values after Holm: "
            + ", ".join(f"{other} {number(p, '.2g')}" for other, p in tests["p Holm"].items())
            + "."
        )
    return facts


def _of_settings(run: Run) -> dict[str, str]:
    known, facts = run.settings, {}
    for name in ("modalities", "radiomics", "engine", "clinical"):
        if known.get(name):
            facts[name] = in_words(known[name])
    if "reference" in known:
        facts["registration"] = (
            "Images were not registered; they were assumed to be aligned."
            if known["reference"] is None
            else f"Every other sequence was registered rigidly to {known['reference']}."
        )
    if "missing" in known:
        facts["missing"] = (
            "A missing sequence is an error."
            if known["missing"] == "raise"
            else "Missing sequences are not imputed: selection uses the patients who have the "
            "sequence, and the others are predicted from their other sequences."
        )
    if "train_features" in known:
        facts["balance"] = (
            "Classes were not weighted, and patients were neither oversampled nor removed."
        )
        facts["training"] = f"Seed {known['seed']}."
        if run.attention or any("deep" in each["extracted"] for each in run.flow.values()):
            facts["training"] = (
                f"Networks: {known['epochs']} epochs on slices of {known['slice_size']} pixels a "
                f"side, features of their training patients {known['train_features']}; "
                f"seed {known['seed']}."
            )
        tuned = ["the strengths of the fusion's constraints"] if known.get("tune") else []
        if any("LASSO" in each["left"] for each in run.flow.values()):
            tuned.append("the penalty of the LASSO")
        if is_rule(known.get("threshold")):
            tuned.append("the threshold")
        facts["tuning"] = (
            f"Chosen in folds of the training patients: {', '.join(tuned)}."
            if tuned
            else "Nothing was tuned."
        )
    return facts | _design(run)


def _design(run: Run) -> dict[str, str]:
    """State how patients were split, if the settings show that it was at random."""
    first = run.shown[1].repeats[0]
    trained, predicted = first["n_trained"], f"{len(first)} predicted"
    predicted += f" ({int(first['mutant'].sum())} mutant)"
    if "test_size" in run.settings:
        short = "one random split within the classes"
        design = f"One random split within the classes: {trained.iloc[0]} patients for training"
        counts = f"{trained.iloc[0]} patients for training, {predicted}."
        return {"design_short": short, "design": f"{design}, {predicted}.", "per_analysis": counts}
    if "folds" in run.settings:
        repeats = len(run.shown[1].repeats)
        short = f"{first['fold'].nunique()}-fold cross-validation"
        short += f", {repeats} times" if repeats > 1 else ""
        counts = f"{span(trained)} patients for training in each fold, {predicted}."
        design = f"{short}: each patient was predicted by a model trained and tuned on others."
        return {"design_short": short, "design": design, "per_analysis": counts}
    return {}


def _threshold(thresholds: pd.Series, asked) -> str:
    if thresholds.isna().all():
        return "the model's own decision rule"
    low, high = thresholds.min(), thresholds.max()
    how = f" ({asked} on the training patients)" if is_rule(asked) else ""
    if low == high:
        return f"a probability of {low:g}{how}"
    return f"a probability that each fold chose, {low:.2f} to {high:.2f}{how}"
