"""The settings of a command in a file: those wanted, and those it ran with."""

from pathlib import Path
from typing import get_args

import typer
import yaml

from sklidh.cli._output import console

OF_THE_CALL = ("config", "help")
"""Options that no file holds."""


def read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Take a configuration file's values as the defaults of the command's options.

    Parameters
    ----------
    ctx : typer.Context
    path : Path or None
        A YAML file whose keys are the command's options, without dashes in front.

    Returns
    -------
    Path or None
        The same.

    Raises
    ------
    typer.BadParameter
        The file cannot be read, is no table of options, or has a key that is none or a value that
        does not fit.
    """
    if path is None:
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"{path}: this is no YAML file in UTF-8 ({error})") from error
    known = {_key(parameter): parameter for parameter in ctx.command.params}
    known = {key: parameter for key, parameter in known.items() if key not in OF_THE_CALL}
    given = content if isinstance(content, dict) else {}
    unknown = [key for key in given if str(key).replace("_", "-") not in known]
    if unknown or not given:
        what = f"unknown {', '.join(map(str, unknown))}" if unknown else "no table of options"
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
    """Return a value that the option takes, or say which key of which file does not fit."""
    if isinstance(value, (list, dict)):
        raise typer.BadParameter(
            f"{where}: one value is accepted, got {value!r}; several go into one text, as "
            "'T1+T1CE,FLAIR'"
        )
    is_switch = getattr(parameter, "is_flag", False)
    if isinstance(value, bool) != is_switch:
        wanted = "true or false is accepted" if is_switch else "write the value in quotes"
        raise typer.BadParameter(f"{where}: got {value!r}; {wanted}")
    # As if it were written on the command line: the target 1 is a column's name.
    value = value if is_switch else str(value)
    kind, *_ = get_args(ctx.command.callback.__annotations__[parameter.name])
    if kind in (Path, Path | None):
        # Whether it is there is asked of the path that is used: one on the command line goes first.
        return value
    try:
        parameter.process_value(ctx, value)
    except typer.BadParameter as error:
        raise typer.BadParameter(f"{where}: got {value!r}; {error.message}") from error
    return value


def save_config(out: Path, name: str, settings: dict) -> Path:
    """Write the settings of a finished command beside its results, as ``--config`` reads them.

    Parameters
    ----------
    out : Path
        The file or folder of the results.
    name : str
        The command.
    settings : dict

    Returns
    -------
    Path
        ``config.yaml`` in the folder, or beside a file: ``idh.config.yaml`` for ``idh.skops``.
    """
    from sklidh import __version__
    from sklidh.utils import atomic_write

    path = out / "config.yaml" if out.is_dir() else out.with_suffix(".config.yaml")
    keys = {key.replace("_", "-"): value for key, value in settings.items()}
    head = f"# sklidh {__version__}. Once more: sklidh {name} --config {path.name}\n"
    with atomic_write(path) as temporary:
        temporary.write_text(head + yaml.safe_dump(keys, sort_keys=False), encoding="utf-8")
    console.print(f"Settings of this run: {path}", highlight=False, soft_wrap=True)
    return path
