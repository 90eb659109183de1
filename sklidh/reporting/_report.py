"""One run, one self-contained HTML file: what was done, to whom, what came out, what is open."""

import base64
from dataclasses import dataclass

import pandas as pd

from sklidh.evaluation import figures_with_intervals
from sklidh.reporting._checklists import fill_in
from sklidh.reporting._facts import facts_of, in_words, number
from sklidh.reporting._model_card import card_of_run
from sklidh.reporting._page import render_page
from sklidh.reporting._run import Run
from sklidh.reporting._stability import in_total, span, stability_of


@dataclass(frozen=True)
class Step:
    """A box of the flow: its heading, one number with its unit, and lines of detail."""

    heading: str
    number: str
    lines: list[str]


def flow_of(run: Run, facts: dict[str, str]) -> list[Step]:
    """Tell what was done, with the numbers of patients and features at each step.

    Parameters
    ----------
    run : Run
    facts : dict of str to str
        From `facts_of`.

    Returns
    -------
    list of Step
    """
    first = run.shown[1].repeats[0]
    steps = [
        Step("Patients", facts["patients"], [*facts["classes"].split(", "), facts["lacking"]]),
        Step("Left out of training", f"{len(first)} predicted", [facts.get("design", "")]),
    ]
    if "registration" in facts:
        modalities = run.settings.get("modalities", ())
        steps.append(Step("Images", f"{len(modalities)} sequences", [facts["registration"]]))
    stages = dict.fromkeys(stage for each in run.flow.values() for stage in each["left"])
    for stage in stages:
        total = span(in_total(run.flow, stage))
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
        steps.append(Step("Fusion", f"{len(blocks)} blocks", lines))
    return steps


def figures_and_tests(run: Run) -> pd.DataFrame:
    """Put the models' figures, calibration and tests into one table of texts.

    Parameters
    ----------
    run : Run

    Returns
    -------
    DataFrame of str, shape (n_models, n_columns)
    """
    comparison = run.comparison
    table = figures_with_intervals(comparison.evaluations)
    measures = comparison.measures
    for name in ("Specificity", "PR-AUC", "Brier", "Calibration slope"):
        table[name] = measures[name].map(lambda figure: number(figure, ".2f"))
    if len(comparison.evaluations) > 1:
        name, _ = run.shown
        tests = comparison.tests(name)
        pvalues = tests["p Holm"].map(lambda p: number(p, ".2g"))
        heading = f"p ({tests['test'].iloc[0]}, Holm)"
        table[heading] = pvalues.reindex(table.index).fillna("reference")
    return table


def patients_of(run: Run) -> list[dict]:
    """Put each pictured patient's truth, predictions and pictures together.

    Parameters
    ----------
    run : Run

    Returns
    -------
    list of dict
        In the order of the pictures: ``name``, ``slices``, ``attention``, and where the patient was
        predicted ``mutant``, ``probability``, ``threshold`` and ``called``.
    """
    predicted = run.shown[1].repeats[0]
    predicted = predicted.set_axis(predicted.index.astype(str))
    columns = ["mutant", "probability", "threshold", "called"]
    return [
        {"name": patient, "slices": slices, "attention": run.attention.get(patient, {})}
        | (predicted.loc[patient, columns].to_dict() if patient in predicted.index else {})
        for patient, slices in run.slices.items()
    ]


def plots_of(run: Run) -> list[dict]:
    """Make the plots ready for the page: as wide as their inches ask, so that all texts are alike.

    Parameters
    ----------
    run : Run

    Returns
    -------
    list of dict
        ``name``, ``caption``, ``image`` (base64) and ``share``, the part of a column, per cent.
    """
    # A PNG file tells its width in the 17th to 20th byte.
    widths = {name: int.from_bytes(image[16:20]) for name, (image, _) in run.figures.items()}
    return [
        {
            "name": name.replace("_", " "),
            "caption": caption,
            "image": base64.b64encode(image).decode(),
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
        The HTML page. Every text from the cohort is escaped, and nothing in it runs.
    """
    facts = facts_of(run)
    _, shown = run.shown
    modalities = dict.fromkeys(name for slices in run.slices.values() for name in slices)
    return render_page(
        "report.html",
        title=run.title,
        run=run,
        facts=facts,
        stability=stability_of(run.features),
        flow=flow_of(run, facts),
        figures_table=figures_and_tests(run),
        wrong=int((shown.repeats[0]["called"] != shown.repeats[0]["mutant"]).sum()),
        patients=patients_of(run),
        modalities=list(run.settings.get("modalities", modalities)),
        plots=plots_of(run),
        predictions=run.comparison.predictions,
        calls={name: e.predictions["called"] for name, e in run.comparison.evaluations.items()},
        card=card_of_run(run),
        checklists=fill_in(facts),
        in_words=in_words,
    )
