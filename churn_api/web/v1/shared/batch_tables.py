"""Tables in a request: scored block by block, returned as a table or as JSON."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson
from flask import Response, current_app, jsonify, request, send_file

from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.contract.size_limits import MAX_COLUMNS, Bounds
from churn_api.registry.model import Model
from churn_api.scoring.output import PROBABILITY
from churn_api.serving.answer import Answer
from churn_api.serving.prediction_options import Options
from churn_api.serving.table_answer import TableAnswer
from churn_api.tables.formats import FORMATS, LINES, is_excel_safe
from churn_api.tables.scratch import scratch_folder
from churn_api.web.core.app_services import services
from churn_api.web.core.body import FORM, read_file
from churn_api.web.core.input_error_handlers import row_faults
from churn_api.web.core.prediction_headers import BAD_ROWS, BY_MEMBER, OUTSIDE, ROWS, UNSEEN
from churn_api.web.core.predictions import model_metadata
from churn_api.web.core.rate_limits import charge_rows
from churn_api.web.core.request_record import current_request
from churn_api.web.v1.shared.batch_options import COLUMNS, options_of
from churn_api.web.v1.shared.negotiation import PART

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.tables.file_parts import Layout


def table_response(model: Model, sent: str, wanted: str | None, query: dict[str, Any]) -> Response:
    """Score the table in the body. `wanted` is the format of the response, None for JSON.

    Raises Problem, TableError, InvalidTable, InvalidRecord or TooManyRows.
    """
    # Imported here: workers without table requests never load pyarrow.
    from churn_api.tables.layout import open_table

    with scratch_folder() as folder:
        bounds = Bounds(current_app.config["MAX_CONTENT_LENGTH"], current_app.config["MAX_BATCH_ROWS"], MAX_COLUMNS)
        layout = open_table(save_body(folder), sent, folder, bounds)
        if wanted is None:
            return _as_json(model, layout, query)
        return _as_table(model, layout, wanted, query)


def columns_response(
    answer: Answer, columns: dict[str, Any], wanted: str, warned: dict[str, int], *, excel_safe: bool
) -> Response:
    """Predictions for a JSON body as a table. Identifiers become text, since a column has one type.

    `warned` has the number of warned cells by the name of the header that reports it.
    """
    import pyarrow as pa

    from churn_api.tables.formulas import without_formulas
    from churn_api.tables.writers import Joiner, encode

    identifiers = [None if value is None else str(value) for value in columns[IDENTIFIER]]
    table = pa.table(columns | {IDENTIFIER: pa.array(identifiers, pa.string())})
    table = without_formulas(table) if excel_safe else table
    with _response_file() as result, closing(Joiner(result, wanted, table.schema)) as joiner:
        joiner.add(encode(table, FORMATS[wanted].part_format))
    counts = {ROWS.name: table.num_rows, BAD_ROWS.name: columns[PROBABILITY.name].count(None)}
    metadata = model_metadata(answer.model, answer.threshold, answer.seconds, answer.policy)
    return _file(result, wanted, metadata, counts | warned)


def save_body(folder: Path) -> Path:
    """Write the body to a file: blocks are read from a file that can seek."""
    stream = request.stream
    if request.mimetype == FORM:
        stream = read_file(PART, current_app.config["MAX_CONTENT_LENGTH"]).stream
    path = folder / "body"
    with path.open("wb") as file:
        started = perf_counter()
        shutil.copyfileobj(stream, file)
    record = current_request()
    record.body_seconds = (record.body_seconds or 0.0) + perf_counter() - started
    return path


def _as_table(model: Model, layout: "Layout", wanted: str, query: dict[str, Any]) -> Response:
    from churn_api.tables.formulas import without_formulas
    from churn_api.tables.writers import Joiner, encode

    excel_safe = is_excel_safe(query, wanted)
    with ExitStack() as stack:
        result = stack.enter_context(_response_file())
        joiners: list[Joiner] = []

        def add(table: "pa.Table") -> None:
            table = without_formulas(table) if excel_safe else table
            # The result's columns are known when the first block is scored.
            if not joiners:
                joiners.append(stack.enter_context(closing(Joiner(result, wanted, table.schema))))
            joiners[0].add(encode(table, FORMATS[wanted].part_format))

        table_answer = _predict(model, layout, query, add)
    progress = table_answer.progress
    counts = {ROWS.name: progress.rows, BAD_ROWS.name: progress.bad_rows}
    metadata = model_metadata(model, table_answer.threshold, table_answer.seconds, table_answer.policy)
    warned = {UNSEEN.name: sum(progress.unseen.values()), OUTSIDE.name: sum(progress.outside.values())}
    return _file(result, wanted, metadata, counts | warned)


@contextmanager
def _response_file() -> Iterator[BinaryIO]:
    """A temporary file for the response, which the server closes; an exception closes it here."""
    with ExitStack() as stack:
        yield stack.enter_context(tempfile.TemporaryFile())
        stack.pop_all()


def _file(result: BinaryIO, wanted: str, metadata: dict[str, Any], counts: dict[str, int]) -> Response:
    """A response with a scored table. Its headers have the metadata that JSON responses have as members."""
    result.seek(0)
    kind = FORMATS[wanted]
    response = send_file(result, kind.media_type, as_attachment=True, download_name=f"scored{kind.suffix}")
    for name, header in BY_MEMBER.items():
        if metadata.get(name) is not None:
            response.headers[header.name] = str(metadata[name])
    del response.headers[
        "Cache-Control"
    ]  # Flask's value for files; the middleware sets no-store, as for all predictions
    response.headers.extend({header: str(count) for header, count in counts.items()})
    return response


def _as_json(model: Model, layout: "Layout", query: dict[str, Any]) -> Response:
    from churn_api.tables.writers import encode

    rows: list[dict[str, Any]] = []

    def add(table: "pa.Table") -> None:
        # By way of NDJSON, in which values without a JSON type are text already.
        rows.extend(map(orjson.loads, encode(table, LINES).splitlines()))

    table_answer = _predict(model, layout, query, add)
    remarks = {
        "errors": table_answer.errors,
        "more_errors": table_answer.more_errors,
        "unseen": table_answer.progress.unseen,
        "outside": table_answer.progress.outside,
    }
    answer = {"predictions": _predictions(rows, query["layout"]), "count": table_answer.progress.rows}
    metadata = model_metadata(model, table_answer.threshold, table_answer.seconds, table_answer.policy)
    return jsonify(answer | metadata | {name: remark for name, remark in remarks.items() if remark})


def _predictions(rows: list[dict[str, Any]], layout: str) -> Any:
    """Predictions as objects or as lists, with null for bad rows."""
    scored = [None if row[PROBABILITY.name] is None else row for row in rows]
    if layout == COLUMNS:
        return {name: [row and row[name] for row in scored] for name in rows[0]}
    return scored


def _predict(model: Model, layout: "Layout", query: dict[str, Any], use: Callable[["pa.Table"], None]) -> TableAnswer:
    options = options_of(model, query)._replace(keep=query["keep"], max_rows=current_app.config["MAX_BATCH_ROWS"])
    return score_layout(model, layout, options, use, charge_rows)


def score_layout(
    model: Model,
    layout: "Layout",
    options: Options,
    use: Callable[["pa.Table"], None],
    check_rows: Callable[[int], None],
) -> TableAnswer:
    """Predict for the rows of a file, and record them in the request record. See `DataPlane.predict_table`."""
    record = current_request()
    table_answer = services().data_plane.predict_table(
        model, layout, options, use, check_rows, request_id=record.request_id
    )
    progress = table_answer.progress
    record.rows, record.bad_rows, record.inference_seconds = progress.rows, progress.bad_rows, table_answer.seconds
    record.faults = row_faults(table_answer.errors)
    return table_answer
