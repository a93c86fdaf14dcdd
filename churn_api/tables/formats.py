"""The registry: every format of tables, by the name by which it is asked for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from churn_api.tables.arrow import Arrow
from churn_api.tables.csv import Csv
from churn_api.tables.format import Format
from churn_api.tables.ndjson import Ndjson
from churn_api.tables.parquet import Parquet
from churn_api.tables.xlsx import Xlsx

_KNOWN: tuple[type[Format], ...] = (Csv, Ndjson, Parquet, Arrow, Xlsx)

FORMATS: Mapping[str, Format] = MappingProxyType({known.name: known() for known in _KNOWN})
MEDIA_TYPES = tuple(known.media_type for known in FORMATS.values())

DEFAULT = Csv.name
"""Of what comes or goes by a pipe, where none is named."""
LINES = Ndjson.name
"""In which the faults of rows are written, and by way of which rows become JSON."""

EXCEL_SAFE = "excel-safe"
"""How a CSV result may be asked for: with what begins as a formula marked as text."""

_TITLES = [known.title for known in FORMATS.values()]
TITLES = f"{', '.join(_TITLES[:-1])} or {_TITLES[-1]}"
"""All of them, as help says it."""


def is_excel_safe(asked: Mapping[str, Any], format: str) -> bool:  # noqa: A002
    """Whether a result of a format is to have no formulas, by parameters of which one has the name of CSV.

    The other formats tell text from a formula themselves.
    """
    return asked.get(Csv.name) == EXCEL_SAFE and format == Csv.name


def format_of_name(name: str) -> str | None:
    """The format of a file of this name; None where the name does not tell."""
    return next((known.name for known in FORMATS.values() if known.is_named(name)), None)


def format_of_media_type(media_type: str) -> str | None:
    """The format of a Content-Type, whatever its parameters; None where it is no table's."""
    plain = media_type.partition(";")[0].strip().lower()
    return next((known.name for known in FORMATS.values() if known.media_type == plain), None)


def format_of_file(name: str, start: bytes) -> str:
    """The format of a file: what its first bytes can alone be, else what its name says, else what they look like."""
    alike = [known for known in FORMATS.values() if known.magic and start.startswith(known.magic)]
    certain = next((known.name for known in alike if known.binary), None)
    return certain or format_of_name(name) or next((known.name for known in alike), DEFAULT)
