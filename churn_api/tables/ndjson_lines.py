"""The lines of an NDJSON block, and the members of a line."""

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
from msgspec import Raw

from churn_api.contract.json_size import has_more_members, has_more_values
from churn_api.contract.size_limits import MAX_COLUMNS
from churn_api.tables.table_errors import TooLarge
from churn_api.tables.text_blocks import NONBLANK_LINE

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


def nonblank_lines(data: bytes) -> tuple[list[int], list[str | None]]:
    """The numbers (from 0) and the texts of a block's nonblank lines; the text is None where it is not UTF-8."""
    numbers: list[int] = []
    lines: list[str | None] = []
    number = end = 0
    for line in NONBLANK_LINE.finditer(data):
        number += data.count(b"\n", end, line.start())
        end = line.start()
        numbers.append(number)
        lines.append(_decode(line.group()))
    return numbers, lines


def check_members(lines: Sequence[str | None]) -> None:
    """Raise TooLarge where a line has more members than a table may have columns."""
    for line in lines:
        if line and len(line) > MAX_COLUMNS and has_more_members(line.encode(), MAX_COLUMNS):
            raise TooLarge(f"a line has more than {MAX_COLUMNS} members")


def raw_members(line: str | None) -> dict[str, Raw]:
    """The members of a line, not decoded; none where the line is not a JSON object."""
    try:
        return _MEMBERS.decode(line or "")
    except (msgspec.MsgspecError, RecursionError):
        return {}


def parse_members(line: str | None, names: Sequence[str]) -> dict[str, Any] | None:
    """The members called `names`, decoded; None where the line is not a JSON object."""
    try:
        members = _MEMBERS.decode(line or "")
        return {name: _parse_value(bytes(members[name])) for name in names if name in members}
    except (msgspec.MsgspecError, RecursionError, orjson.JSONDecodeError):
        return None


def member_text(member: Raw | None) -> str | None:
    """A string as it is; None for null or a missing member; any other value as JSON."""
    text = "null" if member is None else bytes(member).decode()
    return msgspec.json.decode(text, type=str | None) if text.startswith(('"', "null")) else text


def _decode(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _parse_value(member: bytes) -> Any:
    """A member's value; an empty list stands in for a value with too many nested values, as it is as invalid."""
    return [] if has_more_values(member, MAX_COLUMNS) else orjson.loads(member)
