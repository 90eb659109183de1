"""Read every case of a cohort, print what is wrong, and write a page of thumbnails."""

from pathlib import Path

from rich.markup import escape
from sklearn.utils.parallel import Parallel, delayed

from sklidh.cli._output import console, errors, verbosity


def check_cohort(
    cases: Path,
    out: Path,
    *,
    target,
    modalities,
    label,
    reference,
    missing,
    jobs,
    layout="auto",
    patients=None,
):
    """Check a cohort's table and every image in it.

    Parameters
    ----------
    cases : Path
        The table, or a folder of images.
    out : Path
        The page to be written.
    target, modalities, missing, layout, patients
        As `load_cohort` takes them.
    label, reference
        As `check_case` takes them; `reference` may be a function of the modalities.
    jobs : int
        Patients read at the same time.

    Returns
    -------
    dict
        ``patients``, ``modalities``, ``problems`` and ``warnings`` (each was printed on a line) and
        ``files``.
    """
    from sklidh.datasets import examine_cohort
    from sklidh.reporting import examine, render_check
    from sklidh.utils import atomic_write, progress

    X, _, modalities, problems = examine_cohort(
        cases,
        target=target,
        modalities=modalities,
        missing=missing,
        layout=layout,
        patients=patients,
        cells=False,
    )
    there = [modality for modality in modalities if modality in X.columns]
    work = [
        delayed(examine)(case, there, label=label, reference=reference(there), missing=missing)
        for _, case in X.iterrows()
    ]
    results = Parallel(jobs, return_as="generator")(work)
    checked = list(progress(results, "reading", total=len(work), verbose=verbosity()))
    lines = problems + [line for case in checked for line in case.errors]
    for line in lines:
        errors.print(f"[bold red]Error:[/] {escape(line)}", highlight=False, soft_wrap=True)
    for line in (line for case in checked for line in case.warnings):
        errors.print(f"[yellow]Warning:[/] {escape(line)}", highlight=False, soft_wrap=True)
    page = render_check(f"sklidh check: {cases.name}", problems, there, checked)
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    found = "no problem" if not lines else f"{len(lines)} problem{'s' * (len(lines) > 1)}"
    console.print(
        f"{len(X)} patients, {', '.join(there)}: {found}. Look at them: {out}",
        highlight=False,
        soft_wrap=True,
    )
    return {
        "patients": len(X),
        "modalities": there,
        "problems": lines,
        "warnings": [line for case in checked for line in case.warnings],
        "files": {"page": out},
    }
