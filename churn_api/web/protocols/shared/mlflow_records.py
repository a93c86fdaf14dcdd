"""The four forms in which MLflow's clients send records."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from flask import current_app

from churn_api.contract.batch import Path
from churn_api.contract.size_limits import Bounds
from churn_api.tables.text_blocks import NONBLANK_LINE
from churn_api.web.protocols.shared.json_payload import check_values, malformed, parse_json, require_object
from churn_api.web.protocols.shared.sent_records import SentRecords, rows_at

Names = Sequence[str]
"""Of the features, in the signature's order."""

_SPLIT_MEMBERS = ("data", "columns", "index")


def mlflow_records(payload: Any, names: Names) -> SentRecords:
    """The records in a body that has exactly one of the four forms, or is a list of rows. Raises Problem."""
    if isinstance(payload, list) and payload and all(isinstance(row, list) for row in payload):
        return rows_at(rows=payload, names=names)
    body = require_object(payload)
    forms = [form for form in _FORMS if form in body]
    if len(forms) != 1:
        raise malformed(f"The body must have exactly one of {', '.join(_FORMS)}.")
    (form,) = forms
    return _FORMS[form](body[form], form, names)


def split_records(split: Any, form: str, names: Names) -> SentRecords:
    """The records of a DataFrame in pandas' orientation `split`; by position where no columns are named."""
    _check_members(split, form)
    data, columns = split["data"], split.get("columns")
    if columns is None:
        return rows_at(form, "data", rows=data, names=names)
    _check_columns(columns, form)
    for position, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            raise malformed("Each row must be a list as long as 'columns'.", form, "data", position)

    def place(row: int | None, name: str | None) -> Path:
        if row is None:
            return (form, "columns")
        return (form, "data", row, columns.index(name)) if name in columns else (form, "data", row)

    by_column: dict[str, Sequence[Any]] = dict.fromkeys(columns, ())
    return SentRecords(by_column | dict(zip(columns, zip(*data, strict=True), strict=bool(data))), place)


def _check_members(split: Any, form: str) -> None:
    if not isinstance(split, dict) or not isinstance(split.get("data"), list):
        raise malformed(f"'{form}' must be an object with a list named 'data'.", form)
    if not set(split) <= set(_SPLIT_MEMBERS):
        raise malformed(f"'{form}' may have {', '.join(_SPLIT_MEMBERS)}, and no other member.", form)
    index = split.get("index")
    if index is not None and (not isinstance(index, list) or len(index) != len(split["data"])):
        raise malformed("'index' must be a list as long as 'data'.", form, "index")


def _check_columns(columns: Any, form: str) -> None:
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise malformed("'columns' must be a list of names.", form, "columns")
    if len(set(columns)) < len(columns):
        raise malformed("'columns' names a column twice.", form, "columns")


def listed_records(rows: Any, form: str, names: Names) -> SentRecords:
    """Records in a list: objects, or values by position."""
    if not isinstance(rows, list):
        raise malformed(f"'{form}' must be a list.", form)
    return rows_at(form, rows=[_features_of(row, names) for row in rows], names=names)


def line_records(body: bytes, names: Names) -> SentRecords:
    """Records of which each is a line of JSON. Raises Problem, TooManyRows or TooManyValues."""
    lines = NONBLANK_LINE.findall(body)
    Bounds(len(body), rows=current_app.config["MAX_BATCH_ROWS"]).check_rows(len(lines))
    check_values(body)
    rows = []
    for index, line in enumerate(lines):
        try:
            rows.append(_features_of(parse_json(line), names))
        except orjson.JSONDecodeError as error:
            raise malformed(f"Record {index} is not a line of JSON.", index) from error
    return rows_at(rows=rows, names=names)


def _features_of(row: Any, names: Names) -> Any:
    """A record, without the objects that clients of SageMaker put around its values."""
    match row:
        case {"features": list(values)} if "features" not in names:
            return values
        case {"data": {"features": {"values": list(values)}}} if "data" not in names:
            return values
    return row


def _inputs(inputs: Any, form: str, names: Names) -> SentRecords:
    """Columns by name, one record of scalars, or a list of records."""
    if not isinstance(inputs, Mapping):
        return listed_records(inputs, form, names)
    are_lists = {isinstance(values, list) for values in inputs.values()}
    if are_lists == {False}:
        return SentRecords([inputs], lambda _, name: (form,) if name is None else (form, name))
    if are_lists == {True, False} or len({len(values) for values in inputs.values()}) > 1:
        raise malformed(f"'{form}' must hold lists of equal length, or the values of one record.", form)

    def place(row: int | None, name: str | None) -> Path:
        path = (form,) if name is None else (form, name)
        return path if row is None else (*path, row)

    return SentRecords(inputs, place)


_FORMS: dict[str, Callable[[Any, str, Names], SentRecords]] = {
    "dataframe_split": split_records,
    "dataframe_records": listed_records,
    "instances": listed_records,
    "inputs": _inputs,
}
