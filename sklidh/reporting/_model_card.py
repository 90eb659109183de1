"""Model cards: description, intended use, training data, performance and limitations."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jinja2 import Environment, PackageLoader, StrictUndefined

from sklidh.evaluation import figures_with_intervals, is_rule
from sklidh.reporting._facts import facts_of, in_words, output_of
from sklidh.reporting._fitted import description_of
from sklidh.reporting._run import Run
from sklidh.results import package_versions
from sklidh.utils import IDH, Target

INTENDED = (
    "Research: {what}, from the MR sequences named here and a mask of the tumour, in patients like "
    "those in its training data."
)
NOT_EVALUATED = (
    "Not evaluated: all patients were used for training, so none is left for testing. Run sklidh "
    "evaluate with the same options to evaluate such a model on this cohort."
)
NOT_INTENDED = (
    "Clinical decisions: it is not a medical device and does not replace tissue diagnosis.",
    "Patients without a glioma, other sequences, or masks of other regions.",
    "Sites, scanners and patient groups on which it was not evaluated.",
)


@dataclass(frozen=True)
class ModelCard:
    """The facts about a model that its users need.

    Parameters
    ----------
    name : str
    what : list of str
        Description, in sentences.
    trained_on : list of str
        Description of the training patients.
    intended : str
    evaluated : str
        How it was evaluated, or that it was not.
    figures : dict of str to str
        Performance figures with their intervals.
    limits : list of str
    settings, versions : dict of str to str
    not_intended : tuple of str

    References
    ----------
    M. Mitchell et al., Model cards for model reporting, Proceedings of the Conference on Fairness,
    Accountability and Transparency, 2019.
    """

    name: str
    what: list[str]
    trained_on: list[str]
    intended: str
    evaluated: str = NOT_EVALUATED
    figures: Mapping[str, str] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=package_versions)
    not_intended: tuple[str, ...] = NOT_INTENDED

    def markdown(self) -> str:
        """Write the card as Markdown, with HTML and table bars in texts escaped.

        Returns
        -------
        str
        """
        environment = Environment(
            loader=PackageLoader("sklidh.reporting"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_plain,
        )
        return environment.get_template("model_card.md").render(card=self)


def card_of_run(run: Run) -> ModelCard:
    """Write the card of a run's main model."""
    name, _ = run.shown
    facts = facts_of(run)
    headings = {
        "Sequences": "modalities",
        "Features": "extracted",
        "Selection": "steps",
        "Classifier": "classifier",
    }
    what = [f"{heading}: {facts[fact]}." for heading, fact in headings.items() if fact in facts]
    return ModelCard(
        name=name,
        what=[*what, f"Output: {facts['output']}"],
        intended=_intended(run.comparison.target),
        trained_on=[
            f"A cohort of {facts['patients']}: {facts['classes']}.",
            facts["lacking"],
            facts.get("per_analysis", "Some patients were held out for testing."),
        ],
        evaluated=facts.get("design", "On patients left out of training."),
        figures=_figures(run),
        limits=run.notes,
        settings={key: in_words(value) for key, value in run.settings.items()},
        versions=run.versions,
    )


def card_of_training(
    name: str,
    pipeline,
    covered: Mapping,
    threshold: float | None,
    *,
    settings: Mapping,
    evaluated: Run | None = None,
    target: Target = IDH,
) -> ModelCard:
    """Write the card of a model that was trained on a whole cohort, without test patients.

    Parameters
    ----------
    name : str
    pipeline : fitted Pipeline
    covered : dict
        The cohort, as `sklidh.datasets.cohort_range` describes it.
    threshold : float
    settings : mapping of str to what JSON can hold
        Options and seeds.
    evaluated : Run, default=None
        An evaluation of such a model, from `read_run`. The card then contains its figures, and the
        options that differ.
    target : Target, default=IDH
        What the model predicts.

    Returns
    -------
    ModelCard
    """
    sites = covered["sites"]
    classes = ", ".join(f"{n} of class {label}" for label, n in covered["classes"].items())
    trained_on = [
        f"{covered['patients']} patients: {classes}.",
        f"Sites: {', '.join(sites)}." if sites else "Sites: not in the table.",
    ]
    for modality, each in covered["modalities"].items():
        ends = [" x ".join(f"{mm:g}" for mm in end) for end in each["spacing"]]
        voxels = f", voxels of {' to '.join(dict.fromkeys(ends))} mm" if ends else ""
        trained_on.append(f"{modality}: {each['patients']} patients{voxels}.")
    rule = "" if threshold is None else f"a probability of {threshold:g}{_rule_in_words(settings)}"
    card = ModelCard(
        name=name,
        what=[
            f"Sequences: {', '.join(covered['modalities'])}.",
            *(
                f"{heading.capitalize()}: {text}."
                for heading, text in description_of(pipeline).items()
            ),
            f"Output: {output_of(target, rule)}",
        ],
        intended=_intended(target),
        trained_on=trained_on,
        limits=[
            "Its performance on patients from other sites is unknown until it is tested on them."
        ],
        settings={key: in_words(value) for key, value in settings.items()},
    )
    return card if evaluated is None else _with_figures(card, evaluated)


def _with_figures(card: ModelCard, run: Run) -> ModelCard:
    """Add the figures of an evaluation, and the settings that differ from its model's."""
    facts = facts_of(run)
    theirs = {key: in_words(value) for key, value in run.settings.items()}
    theirs["model"], _ = run.shown
    differences = [
        f"{key}: {theirs[key]} in the evaluated model, {value} in this one."
        for key, value in card.settings.items()
        if key != "jobs" and theirs.get(key, value) != value
    ]
    design = facts.get("design", "Patients were left out of training.")
    return replace(
        card,
        evaluated=f"Figures from {run.title}, {facts['patients']}: {design} The model itself was "
        "trained on all of its patients and can only be tested on others.",
        figures=_figures(run),
        limits=[*differences, *run.notes, *card.limits],
    )


def _figures(run: Run) -> dict[str, str]:
    name, evaluation = run.shown
    return figures_with_intervals({name: evaluation}).loc[name].to_dict()


def _rule_in_words(settings: Mapping) -> str:
    """State the rule that chose the threshold; empty if the threshold was given."""
    rule = settings.get("threshold")
    return f" ({rule} on the training patients, predicted in inner folds)" if is_rule(rule) else ""


def _intended(target: Target) -> str:
    what = f"the probability of {target.event} of a glioma"
    if target == IDH:
        what = "the probability that a glioma carries an IDH mutation"
    elif not target.is_binary:
        what = f"the class of a glioma ({', '.join(target.classes)})"
    return INTENDED.format(what=what)


def _plain(value) -> str:
    text = " ".join(str(value).split())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;")):
        text = text.replace(character, entity)
    return text
