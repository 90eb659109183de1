"""How models are built: the options, completed by what a cohort has, or read from a file."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import typer
import yaml

from sklidh.cli.console import verbosity
from sklidh.cli.options import Cohort, Extraction, Method
from sklidh.cli.scheduler import time_limit
from sklidh.radiomics import read_settings
from sklidh.results import OF_THE_RECORD
from sklidh.utils import PAPER_GROUPS, PAPER_MODALITIES

OF_THE_CALL = ("config", "help", "overwrite")
"""Options that no file holds."""


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
    """Return the paper's pipeline, whose registration keeps only the tumour's labels of a mask."""
    from sklidh.pipeline import paper_pipeline

    pipeline = paper_pipeline(modalities, **options)
    if options["reference"] is not None:
        pipeline.set_params(register__label=label)
    return pipeline


@dataclass(frozen=True, kw_only=True)
class Recipe(Method):
    """How models are built: the method, and what a cohort has."""

    modalities: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] | None
    reference: str | None
    missing: str
    jobs: int
    # Numbers and names of the masks' labels that are tumour; None for all.
    label: list | None
    clinical: tuple[str, ...] = ()

    @classmethod
    def of(cls, groups, there, cohort: Cohort, method: Extraction, jobs: int) -> "Recipe":
        """Complete the options by what a cohort has: the modalities `there`, if none are named."""
        # A label in the parameter file holds for networks and registration, too.
        label = list(cohort.label) or read_settings(method.radiomics).setting["label"]
        if method.regions and cohort.label:
            raise typer.BadParameter("--label and --regions both choose labels; give one of them")
        if method.regions:
            each = (label for labels in method.regions.values() for label in labels)
            label = list(dict.fromkeys(each))
        modalities = tuple(name for group in groups for name in group) or there
        if not groups and len(modalities) == len(PAPER_MODALITIES):
            groups = PAPER_GROUPS
        found = {"modalities": modalities, "groups": groups or None, "label": label}
        found["reference"] = reference_among(cohort.reference, modalities)
        # A command that trains nothing has no option for the networks, and takes their defaults.
        return cls(**found, missing=cohort.missing, jobs=jobs, **vars(method))

    @property
    def columns(self) -> list[str]:
        """The columns that models read."""
        return [*self.modalities, "mask", *self.clinical]

    @property
    def found(self) -> dict[str, str]:
        """The groups and the reference as the options name them, also where these were empty."""
        groups = self.groups or [(name,) for name in self.modalities]
        return {
            "groups": ",".join("+".join(group) for group in groups),
            "reference": self.reference or "none",
        }

    def extractor(self, *, verbose=None):
        """Return the radiomics extractor; `verbose` is that of the command, unless given."""
        from sklidh.features import RadiomicsExtractor

        return RadiomicsExtractor(
            self.radiomics,
            engine=self.engine,
            label=None if self.regions else self.label,
            regions=dict(self.regions) or None,
            perturbations=self.perturbations or None,
            n_jobs=self.jobs,
            timeout=time_limit(),
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
        """Return what builds the paper's pipeline, as the functions of `baselines` take it."""
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
            timeout=time_limit(),
            random_state=self.seed,
            **self._shared(verbose),
        )

    def _shared(self, verbose) -> dict:
        return {"missing": self.missing, "verbose": verbosity() if verbose is None else verbose}

    def models(self, memory=None) -> dict:
        """Return the paper's four models, Table I's rows, and the recommended one, by title."""
        from sklidh.baselines import ablation_models

        deep = self.networks()
        return ablation_models(self.builder(memory), deep=deep, random_state=self.seed)

    def system(self, alias: str, memory=None) -> tuple:
        """Return the title of a model that ``--model`` names, and its `System`."""
        if alias == "model-1" and self.clinical:
            raise typer.BadParameter(
                "--clinical: Model 1 (SA-Net) sees images alone; choose another --model"
            )
        from sklidh.baselines import paper_systems

        systems = paper_systems(self.builder(memory), deep=self.networks(), random_state=self.seed)
        return next((title, each) for title, each in systems.items() if each.alias == alias)


def read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Take a configuration file's values as the defaults of the command's options.

    A key is an option without dashes in front; a finished command leaves such a file, too.
    """
    if path is None:
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"{path}: not a YAML file in UTF-8 ({error})") from error
    known = {_key(parameter): parameter for parameter in ctx.command.params}
    known = {key: parameter for key, parameter in known.items() if key not in OF_THE_CALL}
    given = dict(content) if isinstance(content, dict) else {}
    of_record = {key: given.pop(key, None) for key in OF_THE_RECORD}
    if of_record["command"] not in (None, ctx.info_name):
        raise typer.BadParameter(
            f"{path}: settings of sklidh {of_record['command']}, not of sklidh {ctx.info_name}"
        )
    unknown = [key for key in given if str(key).replace("_", "-") not in known]
    if unknown or not given:
        what = f"unknown {', '.join(map(str, unknown))}" if unknown else "not a table of options"
        raise typer.BadParameter(f"{path}: {what}; accepted are {', '.join(known)}")
    ctx.default_map = {}
    for key, value in given.items():
        if value is not None:
            parameter = known[str(key).replace("_", "-")]
            ctx.default_map[parameter.name] = _fitting(ctx, parameter, value, f"{path}: {key}")
    return path


def _key(parameter) -> str:
    """Return what a parameter is called in a file: as on the command line, without dashes."""
    name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name
    return name.lstrip("-").replace("_", "-")


def _fitting(ctx, parameter, value, where: str):
    """Return a value that the option accepts, or name the file and the key that does not fit."""
    if isinstance(value, (list, dict)):
        raise typer.BadParameter(
            f"{where}: got {value!r}; write several values as one text, such as 'T1+T1CE,FLAIR'"
        )
    is_switch = getattr(parameter, "is_flag", False)
    if isinstance(value, bool) != is_switch:
        wanted = "true or false is accepted" if is_switch else "write the value in quotes"
        raise typer.BadParameter(f"{where}: got {value!r}; {wanted}")
    # As if it were written on the command line: the target 1 is a column's name.
    value = value if is_switch else str(value)
    kind, *_ = get_args(ctx.command.callback.__annotations__[parameter.name])
    if kind in (Path, Path | None):
        # Only the path that is used must exist; the command line takes precedence.
        return value
    try:
        parameter.process_value(ctx, value)
    except typer.BadParameter as error:
        raise typer.BadParameter(f"{where}: got {value!r}; {error.message}") from error
    return value
