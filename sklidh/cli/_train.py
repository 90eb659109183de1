"""The command `sklidh train`: a cohort in, a model's file out."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from sklidh.cli._options import parse_threshold
from sklidh.cli._output import console, print_files, warnings_told_once
from sklidh.cli._recipe import read_cohort


def train_model(cases: Path, out: Path, options: dict) -> dict:
    """Fit one model on all patients; save it with what `sklidh predict` needs, and its card.

    Parameters
    ----------
    cases : Path
        Table or folder.
    out : Path
        The model's file.
    options : dict
        The command's other options, by name.

    Returns
    -------
    dict
        ``model``, ``threshold``, ``cohort`` and ``files``.
    """
    threshold = parse_threshold(options["threshold"])
    X, y, recipe = read_cohort(cases, options, target=options["target"])
    # Torch takes a second to load: not before the table was read and found sound.
    from sklidh.datasets import cohort_range
    from sklidh.evaluation import check_two_classes, youden_threshold
    from sklidh.persistence import save_model
    from sklidh.reporting import card_of_training
    from sklidh.utils import atomic_write

    check_two_classes(X, y)
    covered = cohort_range(X, y, modalities=recipe.modalities)
    images = X[[*recipe.modalities, "mask"]]
    with warnings_told_once():
        model = recipe.model(options["model"]).fit(images, y)
        if threshold == "youden":
            console.print("Choosing the threshold: the training patients once more, in folds ...")
            threshold = youden_threshold(model, images, y.to_numpy())
    about = {
        "name": options["name"] or f"{out.stem} ({options['model']}, {len(X)} patients)",
        "threshold": threshold,
        "cohort": covered,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, out, about=about)
    card = card_of_training(
        about["name"],
        model,
        covered,
        threshold,
        settings=asdict(recipe) | {"model": options["model"]},
    )
    files = {"model": out, "model card": out.with_suffix(".model_card.md")}
    with atomic_write(files["model card"]) as temporary:
        temporary.write_text(card.markdown(), encoding="utf-8")
    console.print(f"\n{about['name']}, trained with sklidh {version('sklidh')}:")
    print_files(files)
    return {"model": about["name"], "threshold": threshold, "cohort": covered, "files": files}
