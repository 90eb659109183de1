"""How models are built: options from the command line or a file, completed from the cohort."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import typer
import yaml

from sklidh.cli.console import refusal, verbosity
from sklidh.cli.options import Cohort, Extraction, Method, Work
from sklidh.cli.values import Groups
from sklidh.radiomics import read_settings
from sklidh.results import OF_THE_RECORD
from sklidh.utils import PAPER_GROUPS, PAPER_MODALITIES

OF_THE_CALL = ("config", "help", "overwrite")
"""Options that a configuration file cannot hold."""


def reference_among(text: str, modalities: tuple[str, ...]) -> str | None:
    """Return the reference modality, T2 by default, or None for no registration."""
    if text.lower() == "none" or (not text and "T2" not in modalities):
        return None
    reference = text or "T2"
    if reference not in modalities:
        raise typer.BadParameter(
            f"--reference {reference!r} is not among the modalities {', '.join(modalities)}; name "
            "one of them, or none"
        )
    return reference


def pipeline_with_label(modalities, *, label, **options):
    """Return the paper's pipeline; registration keeps only the `label` of the masks."""
    from sklidh.pipeline import paper_pipeline

    pipeline = paper_pipeline(modalities, **options)
    if options["reference"] is not None:
        pipeline.set_params(register__label=label)
    return pipeline


@dataclass(frozen=True, kw_only=True)
class Recipe(Method):
    """How models are built: the method, and what a cohort has.

    `label` holds the labels of the tumour in the masks (None: all), `timeout` the time limit (s)
    per patient.
    """

    modalities: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] | None
    reference: str | None
    missing: str
    jobs: int
    timeout: float | None
    label: list | None
    clinical: tuple[str, ...] = ()

    @classmethod
    def of(cls, groups, available, cohort: Cohort, method: Extraction, work: Work) -> "Recipe":
        """Complete the options: without `groups` the modalities are those `available`."""
        # A label in the parameter file also applies to networks and registration.
        label = list(cohort.label) or read_settings(method.radiomics).setting["label"]
        if method.regions and cohort.label:
            raise typer.BadParameter("--label and --regions both choose labels; give one of them")
        if method.regions:
            each = (label for labels in method.regions.values() for label in labels)
            label = list(dict.fromkeys(each))
        modalities = tuple(name for group in groups for name in group) or available
        if not groups and len(modalities) == len(PAPER_MODALITIES):
            groups = PAPER_GROUPS
        found = {"modalities": modalities, "groups": tuple(groups) or None, "label": label}
        found["reference"] = reference_among(cohort.reference, modalities)
        found |= {"missing": cohort.missing, "jobs": work.jobs, "timeout": work.timeout}
        return cls(**found, **vars(method))

    @property
    def columns(self) -> list[str]:
        """The columns that models read."""
        return [*self.modalities, "mask", *self.clinical]

    @property
    def found(self) -> dict[str, str]:
        """The groups and the reference as the options name them, also where these were empty."""
        groups = Groups(self.groups or [(name,) for name in self.modalities])
        return {"groups": str(groups), "reference": self.reference or "none"}

    def extractor(self, *, verbose=None):
        """Return the radiomics extractor; `verbose` is by default that of the command."""
        from sklidh.features import RadiomicsExtractor

        return RadiomicsExtractor(
            self.radiomics,
            engine=self.engine,
            label=None if self.regions else self.label,
            regions=dict(self.regions) or None,
            perturbations=self.perturbations or None,
            n_jobs=self.jobs,
            timeout=self.timeout,
            **self._shared(verbose),
        )

    def networks(self, *, verbose=None):
        """Return the self-attention featurizer."""
        from sklidh.features import SANetFeaturizer

        return SANetFeaturizer(
            size=self.slice_size,
            max_epochs=self.epochs,
            train_features=self.train_features,
            label=self.label,
            random_state=self.seed,
            **self._shared(verbose),
        )

    def builder(self, memory=None, *, verbose=None) -> partial:
        """Return the function that builds the paper's pipeline, for `baselines`."""
        return partial(
            pipeline_with_label,
            self.modalities,
            label=self.label,
            reference=self.reference,
            groups=self.groups,
            clinical=self.clinical,
            radiomics=self.extractor(verbose=verbose),
            memory=memory,
            n_jobs=self.jobs,
            timeout=self.timeout,
            random_state=self.seed,
            **self._shared(verbose),
        )

    def _shared(self, verbose) -> dict:
        return {"missing": self.missing, "verbose": verbosity() if verbose is None else verbose}

    def models(self, memory=None) -> dict:
        """Return the paper's four models and the recommended one, by title."""
        from sklidh.baselines import ablation_models

        return ablation_models(self.builder(memory), deep=self.networks(), random_state=self.seed)

    def systems(self, memory=None, *, verbose=None, **how) -> dict:
        """Return the systems of the paper's tables and the recommended one, by title."""
        from sklidh.baselines import paper_systems

        how |= {"deep": self.networks(verbose=verbose), "random_state": self.seed}
        return paper_systems(self.builder(memory, verbose=verbose), **how)

    def system(self, alias: str) -> tuple:
        """Return the title of a model that ``--model`` names, and its `System`."""
        if alias == "model-1" and self.clinical:
            raise typer.BadParameter(
                "--clinical: Model 1 (SA-Net) sees images alone; choose another --model"
            )
        return next(found for found in self.systems().items() if found[1].alias == alias)


def read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Take the values in a file, such as a record of results, as defaults of the options.

    A key is the name of an option without leading dashes.
    """
    if path is None:
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"{path}: not a YAML file in UTF-8 ({error})") from error
    # As on the command line: --json is the parameter as_json.
    known = {(each.opts or [each.name])[0].strip("-"): each for each in ctx.command.params}
    known = {key: each for key, each in known.items() if key not in OF_THE_CALL}
    content = content if isinstance(content, dict) else {}
    given = {str(key).replace("_", "-"): value for key, value in content.items()}
    of_record = {key: given.pop(key, None) for key in OF_THE_RECORD}
    if of_record["command"] not in (None, ctx.info_name):
        raise typer.BadParameter(
            f"{path}: settings of sklidh {of_record['command']}, not of sklidh {ctx.info_name}"
        )
    if not given or (unknown := given.keys() - known.keys()):
        what = f"unknown {', '.join(sorted(unknown))}" if given else "not a table of options"
        raise typer.BadParameter(f"{path}: {what}; accepted are {', '.join(known)}")
    ctx.default_map = {
        known[key].name: fitting(ctx, known[key], value, f"{path}: {key}")
        for key, value in given.items()
        if value is not None
    }
    return path


def fitting(ctx, parameter, value, where: str):
    """Return a value that the option accepts, or raise an error that names the file and key."""
    if isinstance(value, (list, dict)):
        raise typer.BadParameter(
            f"{where}: got {value!r}; write several values as one text, such as 'T1+T1CE,FLAIR'"
        )
    is_switch = getattr(parameter, "is_flag", False)
    if isinstance(value, bool) != is_switch:
        wanted = "true or false is accepted" if is_switch else "write the value in quotes"
        raise typer.BadParameter(f"{where}: got {value!r}; {wanted}")
    # As text, like on the command line: the target 1 is a column's name.
    value = value if is_switch else str(value)
    kind, *_ = get_args(ctx.command.callback.__annotations__[parameter.name])
    # A path must exist only if it is used: the command line takes precedence.
    if kind not in (Path, Path | None):
        try:
            parameter.process_value(ctx, value)
        except typer.BadParameter as error:
            raise typer.BadParameter(f"{where}: {refusal(error, error.message)}") from error
    return value
