"""How models are built: the options, completed by what a cohort has."""

from dataclasses import dataclass
from functools import partial

from sklidh.cli._options import Cohort, Extraction
from sklidh.cli._output import verbosity
from sklidh.cli._parsing import parse_reference
from sklidh.cli._scheduler import time_limit
from sklidh.radiomics import read_settings

PAPER_MODALITIES = ("T1", "T1CE", "T2", "FLAIR")
PAPER_GROUPS = (("T1", "T1CE"), ("T2", "FLAIR"))


def pipeline_with_label(modalities, *, label, **options):
    """Return the paper's pipeline, whose registration keeps the tumour's labels of a mask alone."""
    from sklidh.pipeline import paper_pipeline

    pipeline = paper_pipeline(modalities, **options)
    if options["reference"] is not None:
        pipeline.set_params(register__label=label)
    return pipeline


@dataclass(frozen=True)
class Recipe:
    """How models are built."""

    modalities: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] | None
    reference: str | None
    radiomics: str
    engine: str
    missing: str
    jobs: int
    # Numbers and names of the masks' labels that are tumour; None for all.
    label: list | None = None
    # What a command that trains nothing has no option for.
    slice_size: int = 72
    epochs: int = 20
    train_features: str = "in_sample"
    seed: int = 0

    @classmethod
    def of(cls, groups, there, cohort: Cohort, method: Extraction, jobs: int) -> "Recipe":
        """Complete the options by what a cohort has.

        Parameters
        ----------
        groups : tuple of tuple of str
            Those asked for, if any.
        there : tuple of str
            The modalities of the cohort, where none were asked for.
        cohort : Cohort
        method : Extraction or Method
        jobs : int

        Returns
        -------
        Recipe

        Raises
        ------
        SettingsError
            The parameter file of ``--radiomics`` is none.
        """
        # A label in the parameter file holds for networks and registration, too.
        label = cohort.labels or read_settings(method.radiomics).setting["label"]
        modalities = tuple(name for group in groups for name in group) or there
        if not groups and len(modalities) == len(PAPER_MODALITIES):
            groups = PAPER_GROUPS
        reference = parse_reference(cohort.reference, modalities)
        shared = {"missing": cohort.missing, "jobs": jobs, "label": label}
        return cls(modalities, groups or None, reference, **shared, **vars(method))

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
            label=self.label,
            missing=self.missing,
            n_jobs=self.jobs,
            timeout=time_limit(),
            verbose=verbosity() if verbose is None else verbose,
        )

    def networks(self, *, verbose=None):
        """Return the self-attention featurizer."""
        from sklidh.features import SANetFeaturizer

        return SANetFeaturizer(
            size=self.slice_size,
            max_epochs=self.epochs,
            train_features=self.train_features,
            label=self.label,
            missing=self.missing,
            random_state=self.seed,
            verbose=verbosity() if verbose is None else verbose,
        )

    def builder(self, memory=None, *, verbose=None) -> partial:
        """Return what builds the paper's pipeline, as the functions of `baselines` take it."""
        return partial(
            pipeline_with_label,
            self.modalities,
            label=self.label,
            reference=self.reference,
            groups=self.groups,
            radiomics=self.extractor(verbose=verbose),
            missing=self.missing,
            memory=memory,
            n_jobs=self.jobs,
            timeout=time_limit(),
            random_state=self.seed,
            verbose=verbosity() if verbose is None else verbose,
        )

    def models(self, memory=None) -> dict:
        """Return the paper's four models, Table I's rows, and the recommended one, by title."""
        from sklidh.baselines import ablation_models

        deep = self.networks()
        return ablation_models(self.builder(memory), deep=deep, random_state=self.seed)

    def system(self, alias: str, memory=None) -> tuple:
        """Return the title of a model that ``--model`` names, and its `System`."""
        from sklidh.baselines import paper_systems

        systems = paper_systems(self.builder(memory), deep=self.networks(), random_state=self.seed)
        return next((title, each) for title, each in systems.items() if each.alias == alias)
