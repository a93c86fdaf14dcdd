"""Reads a file of settings, TOML or YAML, whose names are in lower case."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

TYPES: Mapping[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "bool": (bool, "true or false"),
    "list": (list, "a list of texts"),
}
"""For each kind of setting: its type in the file, and a description of the type."""


class FileError(ValueError):
    """The file cannot be read, or has a value of the wrong type; the text says which."""


YAML = (".yaml", ".yml")


def read_settings(path: Path) -> dict[str, Any]:
    """The content of a file: YAML where its name says so, else TOML. Raises FileError."""
    try:
        with path.open("rb") as file:
            content = _read_yaml(file) if path.suffix in YAML else tomllib.load(file)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path} is not TOML: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise FileError(f"{path} must hold names with values")
    return content


def _read_yaml(file: BinaryIO) -> Any:
    # Imported here: few configurations are YAML.
    import yaml

    try:
        return yaml.safe_load(file) or {}
    except yaml.YAMLError as error:
        raise FileError(f"{file.name} is not YAML: {' '.join(str(error).split())}") from error


def check_type(kind: str, value: Any) -> None:
    """Raise FileError where a value has not the type of the setting."""
    expected, description = TYPES[kind]
    entries = value if isinstance(value, list) else ()
    if type(value) is not expected or not all(isinstance(entry, str) for entry in entries):
        raise FileError(f"Must be {description}.")
