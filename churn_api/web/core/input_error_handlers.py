"""Error handlers for request bodies that are malformed, too large, or not valid: records, batches and tables."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from churn_api.contract.faults import Fault
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import TooManyMembers, TooManyRows, TooManyValues
from churn_api.serving.table_answer import InvalidTable
from churn_api.tables.table_errors import TableError, TableFaults, TooLarge, concerns_keep
from churn_api.web.core.problems import Problem, body_errors, invalid, more_errors, query_errors, response_for
from churn_api.web.core.request_record import current_request
from churn_api.web.core.urls import route_template

_BOM = "\ufeff"


def row_faults(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """The faults of a table's rows, from entries of a response's `errors`."""
    return [Fault(entry["code"], entry["message"], path=(entry["row"], entry["column"])) for entry in errors]


def _invalid_record(error: InvalidRecord) -> Response:
    current_request().faults = error.faults
    return response_for(invalid(body_errors(error.faults), error.more))


def _malformed_json(error: orjson.JSONDecodeError) -> Response:
    detail = f"It stops being JSON at line {error.lineno}, column {error.colno}."
    if error.doc.startswith(_BOM):
        detail = "It begins with a byte order mark: send it without."
    return response_for(Problem("malformed-json", detail))


def _malformed_table(error: TableError) -> Response:
    return response_for(Problem("malformed-table", f"{error}."))


def _invalid_table(error: InvalidTable) -> Response:
    record, progress = current_request(), error.progress
    record.rows, record.bad_rows, record.faults = progress.rows, progress.bad_rows, row_faults(error.errors)
    bad = "1 row is" if progress.bad_rows == 1 else f"{progress.bad_rows} rows are"
    return response_for(
        Problem("validation-failed", f"{bad} not valid", errors=error.errors, **more_errors(error.more))
    )


def _invalid_columns(error: TableFaults) -> Response:
    current_request().faults = error.faults
    in_query = [fault for fault in error.faults if concerns_keep(fault)]
    in_table = [fault for fault in error.faults if not concerns_keep(fault)]
    return response_for(invalid(body_errors(in_table) + query_errors(in_query)))


def _too_many_rows(error: TooManyRows) -> Response:
    detail = f"A batch may hold {error.limit} customers. POST {route_template('jobs.submit')} takes a file of any size."
    return response_for(Problem("too-large", detail, limit=error.limit))


def _too_many_members(error: TooManyMembers) -> Response:
    return response_for(Problem("too-large", f"A JSON object may have {error.limit} members.", limit=error.limit))


def _too_many_values(error: TooManyValues) -> Response:
    return response_for(Problem("too-large", f"A JSON body may have {error.limit} values.", limit=error.limit))


def _body_too_large(_: RequestEntityTooLarge) -> Response:
    return response_for(Problem("too-large", f"A body may have {request.max_content_length} bytes."))


def _decompresses_too_large(error: TooLarge) -> Response:
    return response_for(Problem("too-large", f"{error}."))


HANDLERS: dict[type[Exception], Callable[[Any], Response]] = {
    InvalidRecord: _invalid_record,
    orjson.JSONDecodeError: _malformed_json,
    TableError: _malformed_table,
    InvalidTable: _invalid_table,
    TableFaults: _invalid_columns,
    TooManyRows: _too_many_rows,
    TooManyMembers: _too_many_members,
    TooManyValues: _too_many_values,
    RequestEntityTooLarge: _body_too_large,
    TooLarge: _decompresses_too_large,
}
