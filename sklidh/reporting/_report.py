"""Render a run as one self-contained HTML page."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklidh.evaluation import Comparison
from sklidh.reporting._checklists import answer_checklists
from sklidh.reporting._facts import facts_of, in_words
from sklidh.reporting._headline import headline_of
from sklidh.reporting._intervals import main_figures, p_value, probability_figures
from sklidh.reporting._model_card import card_of_run
from sklidh.reporting._page import render_page
from sklidh.reporting._run import Run
from sklidh.reporting._stability import span, stability_of, total_counts
from sklidh.reporting._warnings import group_warnings
from sklidh.utils import Target


@dataclass(frozen=True)
class Step:
    """A box of the flow chart: heading, a number with its unit, and lines of detail."""

    heading: str
    number: str
    lines: list[str]


def flow_steps(run: Run, facts: dict[str, str]) -> list[Step]:
    """List the steps of the run, with the numbers of patients and features."""
    first = run.shown[1].repeats[0]
    steps = [
        Step("Patients", facts["patients"], [*facts["classes"].split(", "), facts["lacking"]]),
        Step("Test patients", f"{len(first)} patients", [facts.get("design", "")]),
    ]
    if "registration" in facts:
        modalities = run.settings.get("modalities", ())
        steps.append(Step("Images", f"{len(modalities)} sequences", [facts["registration"]]))
    stages = dict.fromkeys(stage for each in run.flow.values() for stage in each["left"])
    for stage in stages:
        total = span(total_counts(run.flow, stage))
        if stage == "all":
            lines = [
                f"{name}: {' + '.join(f'{n} {kind}' for kind, n in each['extracted'].items())}"
                for name, each in run.flow.items()
            ]
            steps.append(Step("Features extracted", f"{total} features", lines))
        else:
            lines = [
                f"{name}: {span(each['left'][stage])}"
                for name, each in run.flow.items()
                if stage in each["left"]
            ]
            steps.append(Step(f"After {stage}", f"{total} features", lines))
    blocks = run.settings.get("groups") or list(run.flow)
    if run.flow:
        lines = [in_words([block]) for block in blocks]
        steps.append(Step("Fusion", f"{len(blocks)} block{'s' * (len(blocks) != 1)}", lines))
    return steps


def figures_and_tests(run: Run) -> pd.DataFrame:
    """Tabulate figures and tests of the models and simple baselines, the main model first."""
    name, shown = run.shown
    others = {key: each for key, each in run.comparison.evaluations.items() if key != name}
    everybody = Comparison({name: shown, **others, **run.yardsticks})
    table = main_figures(everybody.evaluations)
    if len(table) > 1:
        tests = everybody.tests(name, beside=run.yardsticks)
        # Holm's correction covers the models only: a simple baseline is not a candidate.
        pvalues = tests["p Holm"].fillna(tests["p"]).map(p_value)
        heading = f"p ({tests['test'].iloc[0]}{', Holm' if others else ''})"
        table[heading] = pvalues.reindex(table.index).fillna("reference")
    return table


def prediction_rows(run: Run) -> list[dict]:
    """Combine the predictions of all models by patient, the main model's errors first.

    Per model: the mean probability over the repeats (of several classes that of the true one), the
    number of wrong repeats, and the number of repeats. The largest errors come first, then the
    other patients, the least certain first.
    """
    (name, shown), target = run.shown, run.comparison.target
    true = shown.predictions.groupby(level=0, sort=False)["true"].first()
    summaries = {}
    for model, each in run.comparison.evaluations.items():
        table = each.predictions
        shown_here = {"probability": _probability_shown(table, target)}
        by_patient = table.assign(**shown_here, wrong=table["called"] != table["true"])
        summary = by_patient.groupby(level=0).agg(
            mean=("probability", "mean"), wrong=("wrong", "sum"), n=("wrong", "size")
        )
        summaries[model] = summary.loc[true.index]
    main = summaries[name]
    away = (main["mean"] - (true if target.is_binary else 1)).abs()
    order = pd.DataFrame({"right": -main["wrong"] / main["n"], "near": -away})
    return [
        {
            "patient": patient,
            "true": true[patient],
            "models": {model: table.loc[patient].to_dict() for model, table in summaries.items()},
        }
        for patient in order.sort_values(["right", "near"], kind="stable").index
    ]


def _probability_shown(table: pd.DataFrame, target: Target) -> pd.Series:
    """Return the probability of the positive class, of several classes that of the true one."""
    if target.is_binary:
        return table["probability"]
    each = table[[f"probability {word}" for word in target.classes]].to_numpy()
    return pd.Series(each[np.arange(len(table)), table["true"]], table.index)


def sort_features(features: pd.DataFrame) -> pd.DataFrame:
    """Sort features by the number of models that selected them, then by weight, then by p."""
    keys = {"n": -features["selected"], "w": -features["coefficient"].abs(), "p": features["p"]}
    return features.loc[pd.DataFrame(keys).sort_values([*keys], kind="stable").index]


def pictured_patients(run: Run) -> list[dict]:
    """Combine the true class, prediction (if any) and pictures of each pictured patient."""
    predicted = run.shown[1].repeats[0]
    predicted = predicted.set_axis(predicted.index.astype(str))
    target = run.comparison.target
    predicted = predicted.assign(probability=_probability_shown(predicted, target))
    columns = ["true", "probability", "threshold", "called"]
    return [
        {"name": patient, "slices": slices, "attention": run.attention.get(patient, {})}
        | (predicted.loc[patient, columns].to_dict() if patient in predicted.index else {})
        for patient, slices in run.slices.items()
    ]


def page_plots(run: Run) -> list[dict]:
    """Prepare the plots for the page, scaled so that text has the same size in all of them.

    ``share`` is the width of a plot as a percentage of a column.
    """
    # Bytes 17 to 20 of a PNG file hold its width.
    widths = {name: int.from_bytes(image[16:20]) for name, (image, _) in run.figures.items()}
    return [
        {
            "key": name,
            "name": name.replace("_", " "),
            "caption": caption,
            "image": image,
            "share": round(100 * widths[name] / max(widths.values())),
        }
        for name, (image, caption) in run.figures.items()
    ]


def render_report(run: Run) -> str:
    """Render a run as HTML that needs no network and no other file.

    Parameters
    ----------
    run : Run

    Returns
    -------
    str
        The HTML page. Texts from the cohort are escaped, and the content security policy allows
        no script but the page's own, which filters tables.
    """
    facts = facts_of(run)
    _, shown = run.shown
    modalities = dict.fromkeys(name for slices in run.slices.values() for name in slices)
    plots = {plot["key"]: plot for plot in page_plots(run)}
    return render_page(
        "report.html",
        with_script=True,
        title=run.title,
        run=run,
        facts=facts,
        headline=headline_of(run),
        stability=stability_of(run.features),
        flow=flow_steps(run, facts),
        figures_table=figures_and_tests(run),
        target=run.comparison.target,
        class_figures=None if run.comparison.target.is_binary else main_figures(shown.by_class),
        more_figures=probability_figures(run.comparison.by_class),
        wrong=int((shown.repeats[0]["called"] != shown.repeats[0]["true"]).sum()),
        patients=pictured_patients(run),
        modalities=list(run.settings.get("modalities", modalities)),
        roc=plots.pop("roc", None),
        plots=list(plots.values()),
        predictions=prediction_rows(run),
        features=sort_features(run.features),
        card=card_of_run(run),
        checklists=answer_checklists(facts),
        warnings=group_warnings((text, 1) for text in run.warnings),
        in_words=in_words,
    )
