"""The settings of a command from a file."""

from pathlib import Path
from typing import get_args

import typer
import yaml

from sklidh.cli._record import OF_THE_RECORD

OF_THE_CALL = ("config", "help", "overwrite")
"""Options that no file holds."""


def read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Take a configuration file's values as the defaults of the command's options.

    Parameters
    ----------
    ctx : typer.Context
    path : Path or None
        A YAML file whose keys are the command's options, without dashes in front; or what a
        finished command left beside its results.

    Returns
    -------
    Path or None
        The same.

    Raises
    ------
    typer.BadParameter
        The file cannot be read, is no table of options or that of another command, or has a key
        that is none or a value that does not fit.
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
    given = dict(content) if isinstance(content, dict) else {}
    of_record = {key: given.pop(key, None) for key in OF_THE_RECORD}
    if of_record["command"] not in (None, ctx.info_name):
        raise typer.BadParameter(
            f"{path}: settings of sklidh {of_record['command']}, and this is sklidh {ctx.info_name}"
        )
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
