"""Where exceptions become problems: domain errors, HTTP errors and failures, each translated once."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from flask import Flask, Response, request
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from churn_api.contract.bounds import TooManyMembers, TooManyRows
from churn_api.contract.faults import Fault, did_you_mean
from churn_api.contract.record import InvalidRecord
from churn_api.jobs.queue import Finished, KeyReused
from churn_api.jobs.quota import QuotaExceeded
from churn_api.registry.catalog import Conflict
from churn_api.registry.live import ModelNotReady, UnknownModel, UnknownVersion
from churn_api.registry.management import Unusable
from churn_api.serving.data_plane import InvalidTable
from churn_api.store.database import DatabaseAway
from churn_api.tables.errors import TableError, TableFaults, TooLarge, is_of_keep
from churn_api.telemetry.multiprocess import Busy
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.disk_space import full_folder_of, is_disk_full
from churn_api.web.core.draining import CutOff
from churn_api.web.core.problems import (
    FAILED,
    KINDS,
    RETRY_AFTER,
    Problem,
    body_errors,
    invalid,
    more_errors,
    query_errors,
    response_for,
)
from churn_api.web.core.rate_limits import rate_limited
from churn_api.web.core.request_record import current_request
from churn_api.web.core.urls import route_template

log = logging.getLogger(__name__)

QUOTA_RETRY_AFTER = 60
"""Seconds after which a key that has too much in the queue may try again: jobs take their time."""
_BOM = "\ufeff"
_BY_STATUS = {400: "bad-request", 404: "not-found", 415: "unsupported-media-type", 416: "range-not-satisfiable"}


def init_app(app: Flask) -> None:
    """Answer every error of an application as a problem."""
    app.register_error_handler(Problem, response_for)
    app.register_error_handler(InvalidRecord, _invalid_record)
    app.register_error_handler(orjson.JSONDecodeError, _malformed_json)
    app.register_error_handler(TooManyRows, _too_many_rows)
    app.register_error_handler(TooManyMembers, _too_many_members)
    app.register_error_handler(TableError, _malformed_table)
    app.register_error_handler(InvalidTable, _invalid_table)
    app.register_error_handler(TableFaults, _unfit_columns)
    app.register_error_handler(TooLarge, _decompresses_too_large)
    app.register_error_handler(UnknownModel, _unknown_model)
    app.register_error_handler(UnknownVersion, _unknown_version)
    app.register_error_handler(ModelNotReady, _not_ready)
    app.register_error_handler(DatabaseAway, _database_away)
    app.register_error_handler(Busy, _metrics_busy)
    app.register_error_handler(OSError, _os_error)
    app.register_error_handler(CutOff, _cut_off)
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(Finished, _finished)
    app.register_error_handler(KeyReused, _key_reused)
    app.register_error_handler(QuotaExceeded, _quota_exceeded)
    app.register_error_handler(Unusable, _unusable)
    app.register_error_handler(RateLimitExceeded, lambda _: response_for(rate_limited()))
    app.register_error_handler(MethodNotAllowed, _method_not_allowed)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failure)


def _invalid_record(error: InvalidRecord) -> Response:
    current_request().faults = error.faults
    return response_for(invalid(body_errors(error.faults), error.more))


def _malformed_json(error: orjson.JSONDecodeError) -> Response:
    where = f"It stops being JSON at line {error.lineno}, column {error.colno}."
    if error.doc.startswith(_BOM):
        where = "It begins with a byte order mark: send it without."
    return response_for(Problem("malformed-json", where))


def _too_many_rows(error: TooManyRows) -> Response:
    detail = f"A batch may hold {error.limit} customers. POST {route_template('jobs.submit')} takes a file of any size."
    return response_for(Problem("too-large", detail, limit=error.limit))


def _too_many_members(error: TooManyMembers) -> Response:
    return response_for(Problem("too-large", f"A JSON object may have {error.limit} members.", limit=error.limit))


def row_faults(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Entries of `errors` that tell of a table's rows, as the faults that they tell of."""
    return [Fault(entry["code"], entry["message"], path=(entry["row"], entry["column"])) for entry in errors]


def _invalid_table(error: InvalidTable) -> Response:
    record, progress = current_request(), error.progress
    record.rows, record.bad_rows, record.faults = progress.rows, progress.bad_rows, row_faults(error.errors)
    bad = "1 row is" if progress.bad_rows == 1 else f"{progress.bad_rows} rows are"
    return response_for(
        Problem("validation-failed", f"{bad} not valid", errors=error.errors, **more_errors(error.more))
    )


def _malformed_table(error: TableError) -> Response:
    return response_for(Problem("malformed-table", f"{error}."))


def _unfit_columns(error: TableFaults) -> Response:
    current_request().faults = error.faults
    of_keep = [fault for fault in error.faults if is_of_keep(fault)]
    of_table = [fault for fault in error.faults if not is_of_keep(fault)]
    return response_for(invalid(body_errors(of_table) + query_errors(of_keep)))


def _unknown_model(error: UnknownModel) -> Response:
    told = f"GET {route_template('models.list_models')} lists the models."
    hint = did_you_mean(error.args[0], live_models().names)
    return response_for(Problem("unknown-model", f"{hint} {told}" if hint else told))


def _unknown_version(error: UnknownVersion) -> Response:
    return response_for(Problem("unknown-version", f"GET {route_template('models.show_model')} lists its versions."))


def _not_ready(error: ModelNotReady) -> Response:
    detail = f"GET {route_template('health.ready')} says why."
    return response_for(Problem("model-not-ready", detail, headers={"Retry-After": str(RETRY_AFTER)}))


def _database_away(error: DatabaseAway) -> Response:
    log.error("the database %s (%s)", error.state, error)
    headers = {"Retry-After": str(RETRY_AFTER)}
    return response_for(
        Problem("dependency-unavailable", f"The database {error.state}.", headers=headers, part="database")
    )


def _metrics_busy(error: Busy) -> Response:
    log.warning("the metrics cannot be read: %s", error)
    headers = {"Retry-After": str(RETRY_AFTER)}
    return response_for(Problem("dependency-unavailable", "The metrics are in use.", headers=headers, part="metrics"))


def _os_error(error: OSError) -> Response:
    """A disk that is full is no failure of this program, and some day it is not full any more."""
    if not is_disk_full(error):
        return _failure(error)
    part = full_folder_of(services(), error)
    log.error("no room is left (%s): %s", part, error.strerror)
    headers = {"Retry-After": str(RETRY_AFTER)}
    return response_for(Problem("dependency-unavailable", f"No room is left: {part}.", headers=headers, part=part))


def _cut_off(_: CutOff) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER)}
    return response_for(Problem("draining", "The server stops, and this request took too long.", headers=headers))


def _conflict(error: Conflict) -> Response:
    return response_for(Problem("conflict", f"{error}."))


def _finished(error: Finished) -> Response:
    return response_for(Problem("conflict", f"The job is over: its state is {error}."))


def _key_reused(error: KeyReused) -> Response:
    return response_for(Problem("conflict", "The Idempotency-Key was used for another job."))


def _quota_exceeded(error: QuotaExceeded) -> Response:
    detail = f"{error}. Jobs that end, or are cancelled, make room."
    headers = {"Retry-After": str(QUOTA_RETRY_AFTER)}
    return response_for(Problem("quota-exceeded", detail, headers=headers))


def _unusable(error: Unusable) -> Response:
    return response_for(invalid(body_errors([Fault("unusable", f"{error}.", path=(error.part,))])))


def _method_not_allowed(error: MethodNotAllowed) -> Response:
    allowed = ", ".join(sorted(error.valid_methods or ()))
    return response_for(Problem("method-not-allowed", f"Allowed: {allowed}.", headers={"Allow": allowed}))


def _too_large(error: RequestEntityTooLarge) -> Response:
    return response_for(Problem("too-large", f"A body may have {request.max_content_length} bytes."))


def _decompresses_too_large(error: TooLarge) -> Response:
    return response_for(Problem("too-large", f"{error}."))


def _http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return Response(status=error.code, headers=error.get_headers())
    code = _BY_STATUS.get(error.code, "bad-request" if error.code < 500 else "internal-error")
    return response_for(Problem(code, f"{KINDS[code].title}."))


def _failure(error: Exception) -> Response:
    current_request().failure = error  # the request's line has it, with its traceback
    return response_for(Problem("internal-error", FAILED))
