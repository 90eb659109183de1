"""Read every case of a cohort, print what is wrong, and write a page of thumbnails."""

from pathlib import Path

from joblib import delayed
from rich.markup import escape

from sklidh.cli._cohort import paper_modalities
from sklidh.cli._examination import examine_table, patients_in_words
from sklidh.cli._options import Cohort
from sklidh.cli._output import console, errors, verbosity
from sklidh.cli._parsing import parse_reference
from sklidh.cli._place import replaced


def check_cohort(cases: Path, out: Path, cohort: Cohort, *, jobs: int) -> dict:
    """Check a cohort's table and every image in it.

    Parameters
    ----------
    cases : Path
        The table, or a folder of images.
    out : Path
        The page to be written.
    cohort : Cohort
    jobs : int
        Patients read at the same time.

    Returns
    -------
    dict
        ``patients``, ``modalities``, ``problems`` and ``warnings`` (each was printed on a line) and
        ``files``.
    """
    from sklidh.images import same_images
    from sklidh.reporting import examine, render_check
    from sklidh.utils import CohortError, spread

    examined = examine_table(cases, cohort, target=cohort.target_or_none)
    X, modalities, problems = examined.X, examined.modalities, examined.problems
    there = [modality for modality in modalities if modality in X.columns]
    if there and not cohort.groups:
        try:
            paper_modalities(X)
        except CohortError as error:
            problems = [*problems, *error.problems]
    reference = parse_reference(cohort.reference, tuple(there))
    how = {"label": cohort.labels, "reference": reference, "missing": cohort.missing}
    work = [delayed(examine)(case, there, **how) for _, case in X.iterrows()]
    checked = list(spread(work, "checking the images", n_jobs=jobs, verbose=verbosity()))
    lines = problems + [line for case in checked for line in case.errors]
    for line in lines:
        errors.print(f"[bold red]Error:[/] {escape(line)}", highlight=False, soft_wrap=True)
    doubts = same_images({case.patient: case.digests for case in checked})
    warnings = doubts + [line for case in checked for line in case.warnings]
    for line in warnings:
        errors.print(f"[yellow]Warning:[/] {escape(line)}", highlight=False, soft_wrap=True)
    page = render_check(f"sklidh check: {cases.name}", problems, doubts, there, checked)
    with replaced(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    found = "no problem" if not lines else f"{len(lines)} problem{'s' * (len(lines) > 1)}"
    console.print(
        f"{patients_in_words(X, there)}: {found}. Look at them: {out}",
        highlight=False,
        soft_wrap=True,
    )
    return {
        "patients": len(X),
        "modalities": there,
        "problems": lines,
        "warnings": warnings,
        "files": {"page": out},
    }
