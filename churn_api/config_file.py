"""Reads a TOML file of settings, whose names are in lower case."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TYPES: Mapping[str, tuple[type, str]] = {
    "str": (str, "a text in quotes"),
    "int": (int, "a whole number"),
    "bool": (bool, "true or false"),
    "list": (list, "a list of texts"),
}
"""For each kind of setting: its type in TOML, and a description of the type."""


class FileError(ValueError):
    """The file cannot be read, or has a value of the wrong type; the text says which."""


def read_settings(path: Path) -> dict[str, Any]:
    """The settings in a file, by name in upper case. Raises FileError."""
    try:
        with path.open("rb") as file:
            return {name.upper(): value for name, value in tomllib.load(file).items()}
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path} is not TOML: {error}") from error


def check_type(kind: str, value: Any) -> None:
    """Raise FileError where a value has not the type of the setting."""
    expected, description = TYPES[kind]
    entries = value if isinstance(value, list) else ()
    if type(value) is not expected or not all(isinstance(entry, str) for entry in entries):
        raise FileError(f"Must be {description}.")
