"""The catalogue of words for reasons: one JSON file a language, named by its ISO 639 code."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec

DEFAULT_LANGUAGE = "en"


Mark = Annotated[str, msgspec.Meta(min_length=1, max_length=1)]
"""One character."""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words of one language. Names in braces are filled in."""

    decimal_mark: Mark
    thousands_mark: Mark
    true: str
    false: str
    label_with_unit: str
    is_: str = msgspec.field(name="is")
    is_with_typical: str
    missing: str
    unseen: str
    together: str
    raises: str
    lowers: str
    neutral: str
    change: str
    what_if: str
    summary: str
    others: str
    points: str

    def number(self, value: float, form: str) -> str:
        """A number in one of Python's formats, with the marks of the language: ",.2f" is 1.234,50 in German."""
        return format(value, form).translate(str.maketrans(",.", self.thousands_mark + self.decimal_mark))


@cache
def catalogues() -> Mapping[str, Catalogue]:
    """The catalogue of each language, by its code. A file that lacks a word raises msgspec.ValidationError."""
    found = files("churn_api.reasons").joinpath("languages")
    return {
        path.name.removesuffix(".json"): msgspec.json.decode(path.read_bytes(), type=Catalogue)
        for path in sorted(found.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".json")
    }
