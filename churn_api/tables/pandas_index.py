"""Finds the columns of Arrow and Parquet files in which pandas wrote the index of a frame."""

import json
import re
from collections.abc import Sequence

import pyarrow as pa

_PANDAS = b"pandas"
_UNNAMED_LEVEL = re.compile(r"__index_level_[0-9]+__")


def index_columns(schema: pa.Schema, names: Sequence[str]) -> tuple[str, ...]:
    """The columns of an index, by the file's metadata or by the name that pandas gives an index without one."""
    named = _named_in(schema.metadata or {})
    return tuple(name for name in names if name in named or _UNNAMED_LEVEL.fullmatch(name))


def _named_in(metadata: dict[bytes, bytes]) -> set[str]:
    try:
        levels = json.loads(metadata.get(_PANDAS, b"{}"))["index_columns"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return set()
    return {level for level in levels if isinstance(level, str)} if isinstance(levels, list) else set()
