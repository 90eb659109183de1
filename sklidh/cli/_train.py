"""The command `sklidh train`: a cohort in, a model's file out."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from sklidh.cli._cohort import read_cohort
from sklidh.cli._options import Cohort, Method
from sklidh.cli._output import console, print_files, verbosity, warnings_told_once
from sklidh.cli._parsing import parse_threshold
from sklidh.cli._place import replaced


def train_model(
    cases: Path,
    out: Path,
    cohort: Cohort,
    method: Method,
    *,
    jobs: int,
    name: str,
    model: str,
    threshold: str,
    evaluated: Path | None,
) -> dict:
    """Fit one model on all patients; save it with what `sklidh predict` needs, and its card.

    Parameters
    ----------
    cases : Path
        Table or folder.
    out : Path
        The model's file.
    cohort : Cohort
    method : Method
    jobs : int
        Patients worked on at the same time.
    name : str
        What to call the model; empty: by its file.
    model : str
        As `Recipe.system` takes it.
    threshold : str
        As `parse_threshold` takes it.
    evaluated : Path or None
        Folder of `sklidh evaluate`, for the card.

    Returns
    -------
    dict
        ``model``, ``threshold``, ``cohort``, ``found`` and ``files``.
    """
    from sklidh.reporting import card_of_training, read_run

    chosen = parse_threshold(threshold)
    run = None if evaluated is None else read_run(evaluated)
    X, y, recipe = read_cohort(cases, cohort, method, jobs=jobs)
    # Torch takes a second to load: not before the table was read and found sound.
    from sklidh.datasets import cohort_range
    from sklidh.evaluation import choose_threshold
    from sklidh.persistence import save_model
    from sklidh.radiomics import read_settings
    from sklidh.utils import atomic_write

    title, system = recipe.system(model)
    scaled = model == "model-1" or read_settings(recipe.radiomics).setting["normalize"]
    covered = cohort_range(
        X,
        y,
        modalities=recipe.modalities,
        intensities=not scaled,
        n_jobs=jobs,
        verbose=verbosity(),
    )
    images = X[[*recipe.modalities, "mask"]]
    with warnings_told_once():
        fitted = system.make().fit(images, y)
        if isinstance(chosen, str):
            console.print("Choosing the threshold in inner folds of the training patients ...")
            chosen = choose_threshold(fitted, images, y, chosen, random_state=recipe.seed)
    about = {
        "name": name or f"{out.stem}: {title}, {len(X)} patients",
        "threshold": chosen,
        "cohort": covered,
    }
    card = card_of_training(
        about["name"],
        fitted,
        covered,
        chosen,
        settings=asdict(recipe) | {"model": title, "threshold": threshold},
        evaluated=run,
    )
    files = {"model": out, "model card": out.with_suffix(".model_card.md")}
    with atomic_write(files["model card"]) as card_file, replaced(out) as model_file:
        save_model(fitted, model_file, about=about)
        card_file.write_text(card.markdown(), encoding="utf-8")
    console.print(f"\n{about['name']}, trained with sklidh {version('sklidh')}:")
    print_files(files)
    # Two hundred digests are for sklidh predict, not for the next program.
    told = {key: value for key, value in covered.items() if key != "fingerprints"}
    trained = {"model": about["name"], "threshold": chosen, "cohort": told}
    return {**trained, "found": recipe.found, "files": files}
