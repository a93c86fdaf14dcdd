"""A file of settings, below the environment: TOML, with the settings' names in small letters."""

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
"""By a setting's kind: its type in TOML, and what that is called."""


class FileError(ValueError):
    """A file that cannot be read, or holds a value of the wrong type; the text says which."""


def read_settings(path: Path) -> dict[str, Any]:
    """What a file sets, by the settings' names in capitals. Raises FileError."""
    try:
        with path.open("rb") as file:
            return {name.upper(): value for name, value in tomllib.load(file).items()}
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path} is not TOML: {error}") from error


def check_type(kind: str, value: Any) -> None:
    """Raise FileError where a value is not of a setting's kind."""
    expected, called = TYPES[kind]
    entries = value if isinstance(value, list) else ()
    if type(value) is not expected or not all(isinstance(entry, str) for entry in entries):
        raise FileError(f"Must be {called}.")
