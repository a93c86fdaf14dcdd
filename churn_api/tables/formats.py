"""The registry of table formats by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from churn_api.tables.arrow import Arrow
from churn_api.tables.csv import Csv
from churn_api.tables.format import Format
from churn_api.tables.ndjson import Ndjson
from churn_api.tables.parquet import Parquet
from churn_api.tables.xlsx import Xlsx

_FORMAT_CLASSES: tuple[type[Format], ...] = (Csv, Ndjson, Parquet, Arrow, Xlsx)

FORMATS: Mapping[str, Format] = MappingProxyType({known.name: known() for known in _FORMAT_CLASSES})
MEDIA_TYPES = tuple(known.media_type for known in FORMATS.values())

DEFAULT = Csv.name
"""The format of stdin and stdout where none is named."""
LINES = Ndjson.name
"""The format of row errors, and of rows on their way to JSON."""

CSV, NDJSON, PARQUET = FORMATS[Csv.name], FORMATS[Ndjson.name], FORMATS[Parquet.name]
"""The formats that other systems' protocols have, too."""

EXCEL_SAFE = "excel-safe"
"""The value of a parameter that requests CSV with formulas escaped."""

_TITLES = [known.title for known in FORMATS.values()]
TITLES = f"{', '.join(_TITLES[:-1])} or {_TITLES[-1]}"
"""The titles of all formats, for help texts."""


def is_excel_safe(parameters: Mapping[str, Any], format: str) -> bool:  # noqa: A002
    """Whether to escape formulas in a result of this format, as its parameter `csv=excel-safe` requests.

    Only CSV needs this: the other formats distinguish text from formulas.
    """
    return parameters.get(Csv.name) == EXCEL_SAFE and format == Csv.name


def format_of_name(name: str) -> str | None:
    """The format that a file name's suffix indicates; None for an unknown suffix."""
    return next((known.name for known in FORMATS.values() if known.is_named(name)), None)


def format_of_media_type(media_type: str) -> str | None:
    """The format of a Content-Type, ignoring its parameters; None where it is not a table format."""
    plain = media_type.partition(";")[0].strip().lower()
    return next((known.name for known in FORMATS.values() if known.media_type == plain), None)


def format_of_file(name: str, start: bytes) -> str:
    """The format of a file: by an unambiguous magic number, else by its name, else by an ambiguous magic number."""
    candidates = [known for known in FORMATS.values() if known.magic and start.startswith(known.magic)]
    certain = next((known.name for known in candidates if known.binary), None)
    return certain or format_of_name(name) or next((known.name for known in candidates), DEFAULT)
