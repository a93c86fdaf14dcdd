"""A table in one request: scored block by block, answered as a table or as JSON."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import orjson
from flask import Response, current_app, jsonify, request, send_file

from churn_api.contract.batch import TooManyRows
from churn_api.contract.faults import Fault
from churn_api.contract.signature import IDENTIFIER
from churn_api.registry.model import Model
from churn_api.tables.formats import FORMATS, LINES
from churn_api.web.core.body import read_upload
from churn_api.web.core.limits import charge_rows
from churn_api.web.core.problems import Problem, body_errors, invalid
from churn_api.web.core.request_record import exchange
from churn_api.web.v1.answers import Scores, about, about_model
from churn_api.web.v1.negotiation import FORM, PART
from churn_api.web.v1.schemas import COLUMNS, FAIL

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.jobs.job import Progress
    from churn_api.serving.table_scorer import TableScorer
    from churn_api.tables.layout import Layout

TOLD = {
    "model_name": "Churn-Model",
    "model_version": "Churn-Model-Version",
    "threshold": "Churn-Threshold",
    "inference_time_ms": "Churn-Inference-Time-Ms",
}
"""Headers of a table's answer, by the names that JSON answers have for the same."""


class Found(NamedTuple):
    """What came of the rows of a table."""

    progress: "Progress"
    errors: list[dict[str, Any]]
    milliseconds: float


def answer_table(model: Model, sent: str, wanted: str | None, query: dict[str, Any]) -> Response:
    """Score the table in the body. Raises Problem, TableError, or TooManyRows."""
    # Only here: a worker that meets no table never loads pyarrow.
    from churn_api.serving.table_scorer import TableScorer
    from churn_api.tables.layout import prepare, read_layout

    with tempfile.TemporaryDirectory(prefix="churn-api-") as folder:
        path = prepare(_kept_body(Path(folder)), sent, Path(folder), current_app.config["MAX_CONTENT_LENGTH"])
        layout = read_layout(path, sent)
        scorer = TableScorer(model, layout, query["keep"], query.get("threshold"))
        if wanted is None:
            return _as_json(model, scorer, layout, query)
        return _as_table(model, scorer, layout, wanted, query)


def answer_columns(scores: Scores, columns: dict[str, list[Any]], wanted: str, unseen: int) -> Response:
    """Scores of a JSON body, by field, as a table; identifiers are text, whatever they were."""
    import pyarrow as pa

    from churn_api.tables.writers import Joiner, encode

    identifiers = [None if value is None else str(value) for value in columns[IDENTIFIER]]
    table = pa.table(columns | {IDENTIFIER: pa.array(identifiers, pa.string())})
    with _to_be_sent() as result, closing(Joiner(result, wanted, table.schema)) as joiner:
        joiner.add(encode(table, FORMATS[wanted].part_format))
    counts = {"Churn-Rows": table.num_rows, "Churn-Bad-Rows": columns["churn_probability"].count(None)}
    return _file(result, wanted, about(scores), counts | {"Churn-Unseen": unseen})


def _kept_body(folder: Path) -> Path:
    """The body as a file: blocks are cut from files."""
    stream = request.stream
    if request.mimetype == FORM:
        stream = read_upload(PART, current_app.config["MAX_CONTENT_LENGTH"]).stream
    path = folder / "body"
    with path.open("wb") as file:
        started = perf_counter()
        shutil.copyfileobj(stream, file)
    noted = exchange()
    noted.body_seconds = (noted.body_seconds or 0.0) + perf_counter() - started
    return path


def _as_table(model: Model, scorer: "TableScorer", layout: "Layout", wanted: str, query: dict[str, Any]) -> Response:
    from churn_api.tables.writers import Joiner, encode

    with _to_be_sent() as result, closing(Joiner(result, wanted, scorer.schema)) as joiner:
        found = _each_block(scorer, layout, query, lambda table: joiner.add(encode(table, FORMATS[wanted].part_format)))
    told = about_model(model, query.get("threshold"), found.milliseconds)
    progress = found.progress
    counts = {"Churn-Rows": progress.rows, "Churn-Bad-Rows": progress.bad_rows}
    return _file(result, wanted, told, counts | {"Churn-Unseen": sum(progress.unseen.values())})


@contextmanager
def _to_be_sent() -> Iterator[BinaryIO]:
    """A file that stays open, for the server closes what it has sent; but not where it is never sent."""
    with ExitStack() as stack:
        yield stack.enter_context(tempfile.TemporaryFile())
        stack.pop_all()


def _file(result: BinaryIO, wanted: str, told: dict[str, Any], counts: dict[str, int]) -> Response:
    """A scored table, with what JSON answers tell beside the predictions in its headers."""
    result.seek(0)
    kind = FORMATS[wanted]
    answer = send_file(result, kind.media_type, as_attachment=True, download_name=f"scored{kind.suffix}")
    for name, header in TOLD.items():
        answer.headers[header] = str(told[name])
    del answer.headers["Cache-Control"]  # not Flask's word for files, but that for predictions
    answer.headers.extend({header: str(count) for header, count in counts.items()})
    return answer


def _as_json(model: Model, scorer: "TableScorer", layout: "Layout", query: dict[str, Any]) -> Response:
    from churn_api.tables.writers import encode

    rows: list[dict[str, Any]] = []

    def add(table: "pa.Table") -> None:
        # By way of NDJSON: what JSON has no type for is text there already.
        rows.extend(map(orjson.loads, encode(table, LINES).splitlines()))

    found = _each_block(scorer, layout, query, add)
    remarks = {"errors": found.errors, "unseen": found.progress.unseen}
    answer = {"predictions": _predictions(rows, query["layout"]), "count": found.progress.rows}
    told = about_model(model, query.get("threshold"), found.milliseconds)
    return jsonify(answer | told | {name: remark for name, remark in remarks.items() if remark})


def _predictions(rows: list[dict[str, Any]], layout: str) -> Any:
    """Objects or lists, a bad row's place holding null."""
    scored = [None if row["churn_probability"] is None else row for row in rows]
    if layout == COLUMNS:
        return {name: [row and row[name] for row in scored] for name in rows[0]}
    return scored


def _each_block(
    scorer: "TableScorer", layout: "Layout", query: dict[str, Any], use: Callable[["pa.Table"], None]
) -> Found:
    """Score every block and use its table. Raises Problem, with all that is wrong, where a bad row is to fail it."""
    from churn_api.serving import progress as tally
    from churn_api.tables.blocks import blocks

    limit = current_app.config["MAX_BATCH_ROWS"]
    if layout.rows is not None and layout.rows > limit:
        raise TooManyRows(limit)
    started = perf_counter()
    progress = tally.beginning(layout)
    errors: list[dict[str, Any]] = []
    noted, probabilities = exchange(), []
    for block in blocks(layout):
        table, scored = scorer.score_table(block)
        errors += tally.row_errors(progress, scored, layout)
        progress = tally.advanced(progress, scored, layout)
        if progress.rows > limit:
            raise TooManyRows(limit)
        probabilities.append(table.column("churn_probability").drop_null().to_numpy())
        use(table)
    charge_rows(progress.rows)
    seconds = perf_counter() - started
    noted.rows, noted.bad_rows = progress.rows, progress.bad_rows
    noted.inference_seconds, noted.probabilities = seconds, probabilities
    noted.faults = [Fault(error["code"], error["message"], path=(error["row"], error["column"])) for error in errors]
    if progress.rows == 0:
        raise invalid(body_errors([Fault("empty", "Must hold at least one customer.")]))
    if progress.bad_rows and query["on_error"] == FAIL:
        bad = "1 row is" if progress.bad_rows == 1 else f"{progress.bad_rows} rows are"
        raise Problem("validation-failed", f"{bad} not valid", errors=errors)
    return Found(progress, errors, seconds * 1000)
