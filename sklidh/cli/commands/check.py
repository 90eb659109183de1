"""`sklidh check`: every problem of a cohort, and a page of thumbnails."""

from pathlib import Path
from typing import Annotated

import typer
from joblib import delayed

from sklidh.cli import options, values
from sklidh.cli.columns import paper_modalities
from sklidh.cli.command import START, command
from sklidh.cli.console import console, print_error, verbosity, warn
from sklidh.cli.patients import examine_table, patients_in_words
from sklidh.cli.settings import reference_among
from sklidh.results import replaced


@command(
    "sklidh check cases.csv --jobs 4",
    "sklidh check BraTS2021 --layout brats --target none",
    helps={
        "target": options.TARGET_OR_NONE,
        "groups": "Modalities to check, separated by commas. Default: every column of images.",
    },
    panel=START,
)
def check(
    cases: options.Cases,
    *,
    out: Annotated[Path, typer.Option(help="Page of thumbnails to write.")] = Path(
        "sklidh-check.html"
    ),
    fix: Annotated[
        Path | None,
        typer.Option(
            help="Also write the table as it was understood: recognised headings, trimmed cells, "
            "decimal points, mutant and wildtype. Rows with problems are kept.",
            callback=values.parse_csv,
        ),
    ] = None,
    cohort: options.Cohort,
    work: options.Work,
):
    """Read every case, list everything that is wrong, and write a page of thumbnails.

    Exits with status 1 if there is any problem.
    """
    from sklidh.datasets import write_cohort
    from sklidh.images import same_images
    from sklidh.reporting import examine, render_check
    from sklidh.utils import CohortError, Problem, spread

    if fix is not None and fix.exists():
        raise typer.BadParameter(f"--fix {fix}: already exists; name another file")
    examined = examine_table(cases, cohort, target=cohort.target_or_none)
    X, problems = examined.X, examined.problems
    there = [modality for modality in examined.modalities if modality in X.columns]
    if there and not cohort.groups:
        try:
            paper_modalities(X)
        except CohortError as error:
            problems = [*problems, *error.problems]
    reference = reference_among(cohort.reference, tuple(there))
    how = {"label": list(cohort.label) or None, "reference": reference, "missing": cohort.missing}
    tasks = [delayed(examine)(case, there, **how) for _, case in X.iterrows()]
    checked = list(spread(tasks, "checking the images", n_jobs=work.jobs, verbose=verbosity()))
    of_images = examined.located(
        Problem(line, case.patient) for case in checked for line in case.errors
    )
    lines = [*problems, *of_images]
    for line in lines:
        print_error(line)
    doubts = same_images({case.patient: case.digests for case in checked})
    warnings = [*doubts, *(line for case in checked for line in case.warnings)]
    for line in warnings:
        warn(line)
    page = render_check(f"sklidh check: {cases.name}", problems, doubts, there, checked)
    with replaced(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    files = {"page": out}
    if fix is not None:
        files["table"] = write_cohort(fix, X, examined.y)
    counts = format_counts({"problem": len(lines), "warning": len(warnings)})
    console.print(
        f"{patients_in_words(X, there)}: {counts}. Open {out} to review the images.",
        highlight=False,
        soft_wrap=True,
    )
    if fix is not None:
        console.print(f"Table written as it was understood: {fix}", highlight=False, soft_wrap=True)
    return {
        "patients": len(X),
        "modalities": there,
        "problems": lines,
        "warnings": warnings,
        "files": files,
    }


def format_counts(counts: dict[str, int]) -> str:
    """Return "2 problems and 1 warning", or "no problems and no warnings"."""
    return " and ".join(f"{n or 'no'} {name}{'s' * (n != 1)}" for name, n in counts.items())
