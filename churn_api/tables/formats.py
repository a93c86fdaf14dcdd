"""Formats of tables: their names on the wire and on disk."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Format = Literal["csv", "ndjson", "parquet", "arrow"]


class Kind(NamedTuple):
    """What a format is called."""

    media_type: str
    suffix: str


FORMATS: Mapping[Format, Kind] = MappingProxyType(
    {
        "csv": Kind("text/csv", ".csv"),
        "ndjson": Kind("application/x-ndjson", ".ndjson"),
        "parquet": Kind("application/vnd.apache.parquet", ".parquet"),
        "arrow": Kind("application/vnd.apache.arrow.stream", ".arrow"),
    }
)

_NAMES: Mapping[Format, re.Pattern[str]] = {
    "csv": re.compile(r"\.csv(\.gz)?$", re.IGNORECASE),
    "ndjson": re.compile(r"\.(ndjson|jsonl)(\.gz)?$", re.IGNORECASE),
    "parquet": re.compile(r"\.(parquet|pq)$", re.IGNORECASE),
    "arrow": re.compile(r"\.arrows?$", re.IGNORECASE),
}


def format_of_name(name: str) -> Format | None:
    """The format of a file of this name; None where the name does not tell."""
    return next((found for found, pattern in _NAMES.items() if pattern.search(name)), None)


def format_of_media_type(media_type: str) -> Format | None:
    """The format of a Content-Type, whatever its parameters; None where it is no table's."""
    plain = media_type.partition(";")[0].strip().lower()
    return next((found for found, kind in FORMATS.items() if kind.media_type == plain), None)
