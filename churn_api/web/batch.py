"""Many customers in one request."""

from typing import Any

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from churn_api.contract.batch import CUSTOMERS, Batch, customers_of, read_batch
from churn_api.contract.record import InvalidRecord, Record, RecordReader
from churn_api.web.answers import Scores, about, score, scored_columns, scored_rows
from churn_api.web.body import read_json, read_query, require_json_accepted
from churn_api.web.documented import documented
from churn_api.web.problems import Problem, body_errors
from churn_api.web.schemas import COLUMNS, FAIL, BatchPrediction, BatchQuery
from churn_api.web.state import live_models

blueprint = Blueprint("batch", __name__)
blueprint.before_request(require_json_accepted)

_QUERY = BatchQuery()


@blueprint.post("/batch-predict/<model>")
@blueprint.post("/batch-predict")
@documented(
    "Predict",
    body="batch",
    query=BatchQuery,
    answer=BatchPrediction,
    problems=(
        "malformed-json",
        "unknown-version",
        "not-acceptable",
        "too-large",
        "unsupported-media-type",
        "validation-failed",
        "model-not-ready",
    ),
)
def batch_predict(model: str | None = None) -> ResponseReturnValue:
    """Score many customers, answered in the order sent.

    With `on_error=fail` any bad row is a 422 that lists every fault of every row, and nothing is scored. With
    `on_error=skip` the good rows are scored, a bad row's place holds null, and `errors` lists the faults.
    """
    query = read_query(_QUERY)
    chosen = live_models().get(model, query.get("version"))
    batch = read_batch(chosen.reader, _within_limit(customers_of(read_json())))
    if batch.faults and query["on_error"] == FAIL:
        raise InvalidRecord(batch.faults)
    good = [record for record in batch.records if record is not None]
    scores = score(chosen, good, query.get("threshold"))
    return jsonify(
        {"predictions": _predictions(scores, batch, query["layout"]), "count": len(batch.records)}
        | about(scores)
        | _remarks(chosen.reader, batch)
    )


def _within_limit(customers: Any) -> Any:
    limit = current_app.config["MAX_BATCH_ROWS"]
    if len(customers) > limit:
        raise Problem("too-large", f"A batch may hold {limit} customers.", limit=limit)
    return customers


def _predictions(scores: Scores, batch: Batch, layout: str) -> Any:
    good = [record for record in batch.records if record is not None]
    if layout == COLUMNS:
        return {name: _in_place(values, batch.records) for name, values in scored_columns(scores, good).items()}
    return _in_place(scored_rows(scores, good), batch.records)


def _in_place(values: list[Any], records: list[Record | None]) -> list[Any]:
    """Values of the good rows, with a null at the place of each bad one."""
    if len(values) == len(records):
        return values
    remaining = iter(values)
    return [None if record is None else next(remaining) for record in records]


def _remarks(reader: RecordReader, batch: Batch) -> dict[str, Any]:
    """What was wrong with bad rows, and what was odd about good ones; nothing where there is nothing to say."""
    unseen = [
        fault.under(CUSTOMERS, row)
        for row, record in enumerate(batch.records)
        if record is not None
        for fault in reader.unseen(record)
    ]
    remarks = {"errors": body_errors(batch.faults), "warnings": body_errors(unseen)}
    return {name: entries for name, entries in remarks.items() if entries}
