"""`sklidh check`: every problem of a cohort, and a page of thumbnails."""

from pathlib import Path
from typing import Annotated

import typer
from joblib import delayed

from sklidh.cli import options, values
from sklidh.cli.command import START, command
from sklidh.cli.console import print_error, say, verbosity, warn
from sklidh.cli.options import option
from sklidh.cli.patients import examine_table, patients_in_words
from sklidh.cli.settings import reference_among
from sklidh.results import check_out, replaced
from sklidh.utils import CohortError, Problem, grouped, spread


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
    out: Annotated[Path, option("Page of thumbnails to write.")] = Path("sklidh-check.html"),
    fix: Annotated[
        Path | None,
        option(
            "Also write the table as it was read: recognised headings, trimmed cells, decimal "
            "points, mutant and wildtype. Rows with problems are kept.",
            callback=values.parse_csv,
        ),
    ] = None,
    cohort: options.Cohort,
    work: options.Work,
):
    """Read every case, list everything that is wrong, and write a page of thumbnails.

    Exits with status 1 if there is any problem.
    """
    from sklidh.datasets import paper_modalities, write_cohort
    from sklidh.images import same_images
    from sklidh.reporting import examine, render_check

    if fix is not None and fix.exists():
        raise typer.BadParameter(f"--fix {fix}: already exists; name another file")
    if fix is not None:
        check_out(fix, is_file=True, option="--fix")
    classes = {"wildtype": cohort.wildtype, "positive": cohort.positive}
    examined = examine_table(cases, cohort, target=cohort.target_or_none, **classes)
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
    of_images = (Problem(line, case.patient) for case in checked for line in case.errors)
    lines = [*problems, *examined.located(of_images)]
    for line in grouped(lines):
        print_error(line)
    doubts = same_images({case.patient: case.digests for case in checked})
    warnings = [*doubts, *(line for case in checked for line in case.warnings)]
    for line in warnings:
        warn(line)
    page = render_check(f"sklidh check: {cases.name}", problems, doubts, there, checked)
    with replaced(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    # The user's from now on: not a result that the next run replaces.
    table = None if fix is None else str(write_cohort(fix, X, examined.y))
    counts = {"problem": len(lines), "warning": len(warnings)}
    counts = " and ".join(f"{n or 'no'} {name}{'s' * (n != 1)}" for name, n in counts.items())
    say(f"{patients_in_words(X, there)}: {counts}. Open {out} to review the images.")
    if table is not None:
        say(f"Table as it was read: {table}")
    found = {"patients": len(X), "modalities": there, "problems": lines, "warnings": warnings}
    return {**found, "table as it was read": table, "files": {"page": out}}
