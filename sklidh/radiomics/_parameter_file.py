"""Read a PyRadiomics parameter file, YAML or JSON."""

import os

import yaml


class _Loader(yaml.SafeLoader):
    """Load plain YAML; a duplicate key is an error, where YAML would keep the last one."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is duplicated", node.start_mark
                )
        return super().construct_mapping(node, deep)


def read_parameter_file(path) -> dict:
    """Read a parameter file as plain dictionaries, without checking its keys.

    Raises
    ------
    ValueError
        The file is not YAML, or a key is duplicated.
    """
    try:
        with open(path, encoding="utf-8") as file:
            # _Loader is a SafeLoader: it builds plain objects only.
            parameters = yaml.load(file, Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{os.fspath(path)} cannot be read as YAML: {error}") from error
    return {} if parameters is None else parameters
