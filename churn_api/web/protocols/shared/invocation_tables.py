"""Tables in a request of `/invocations`: CSV, with or without a header, and Parquet."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import current_app

from churn_api.contract.faults import Fault
from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.contract.record import InvalidRecord
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.size_limits import MAX_COLUMNS, Bounds
from churn_api.registry.model import Model
from churn_api.scoring.output import COLUMNS
from churn_api.serving.prediction_options import Options
from churn_api.serving.table_answer import InvalidTable
from churn_api.tables.format import Format
from churn_api.tables.formats import CSV, PARQUET
from churn_api.tables.scratch import scratch_folder
from churn_api.tables.table_errors import TableFaults
from churn_api.web.core.input_error_handlers import row_faults
from churn_api.web.core.problems import Problem, body_errors, invalid, more_errors
from churn_api.web.core.rate_limits import charge_batch
from churn_api.web.core.request_record import current_request
from churn_api.web.protocols.shared.headerless_csv import has_header, with_header
from churn_api.web.protocols.shared.prediction_objects import without_absent_identifiers
from churn_api.web.protocols.shared.sent_records import MAX_NAMED, in_words
from churn_api.web.v1.shared.batch_tables import score_layout

if TYPE_CHECKING:
    import pyarrow as pa


class TablePredictions(NamedTuple):
    """Predictions for a table."""

    columns: dict[str, list[Any]]
    policy: int | None
    """The version of the costs that set the threshold, if any."""


def predict_csv(model: Model, body: bytes, header: str | None) -> TablePredictions:
    """Predictions for a CSV. `header` is `present` or `absent`; None leaves that to the first row.

    Raises Problem, TableError, TooManyRows or RateLimitExceeded.
    """
    signature = model.card.signature
    names = (*model.lenient_reader.names, *identifier_names(signature), signature.target.name)
    if header == "absent" or (header is None and body.strip() and not has_header(body, names)):
        # The first row of a table is its header, and the first row here is one of data.
        return _predict(model, with_header(body, model.lenient_reader.names), CSV, first_row=1)
    return _predict(model, body, CSV)


def predict_parquet(model: Model, body: bytes) -> TablePredictions:
    """Predictions for a Parquet file. Raises as `predict_csv`."""
    return _predict(model, body, PARQUET)


def _predict(model: Model, body: bytes, table_format: Format, first_row: int = 2) -> TablePredictions:
    # Imported here: workers without table requests never load pyarrow.
    from churn_api.tables.layout import open_table

    tables: list[pa.Table] = []
    config = current_app.config
    bounds = Bounds(config["MAX_CONTENT_LENGTH"], config["MAX_BATCH_ROWS"], MAX_COLUMNS)
    with scratch_folder() as folder:
        path = Path(folder) / "body"
        path.write_bytes(body)
        try:
            layout = open_table(path, table_format.name, folder, bounds)
            options = Options(max_rows=config["MAX_BATCH_ROWS"])
            answer = score_layout(model, layout, options, tables.append, charge_batch)
        except (TableFaults, InvalidRecord) as error:
            raise _invalid_table(error.faults, model) from None
        except InvalidTable as error:
            raise _invalid_rows(error, model, first_row) from None
    names = (IDENTIFIER, *(column.name for column in COLUMNS))
    columns = {name: [cell for table in tables for cell in table.column(name).to_pylist()] for name in names}
    return TablePredictions(without_absent_identifiers(columns), answer.policy)


def _invalid_table(faults: list[Fault], model: Model) -> Problem:
    """The problem of a table without rows, or without a required column."""
    current_request().faults = faults
    shown = [in_words(fault, model.lenient_reader.names) for fault in faults[:MAX_NAMED]]
    return invalid(body_errors(faults), detail=" ".join(shown))


def _invalid_rows(error: InvalidTable, model: Model, first_row: int) -> Problem:
    """The problem of rows that are not valid, numbered as in the body."""
    record, progress = current_request(), error.progress
    record.rows, record.bad_rows, record.faults = progress.rows, progress.bad_rows, row_faults(error.errors)
    errors = [_moved(entry, first_row - 2) for entry in error.errors]
    shown = [_row_in_words(one) for one in errors[:MAX_NAMED]]
    return Problem("validation-failed", " ".join(shown), errors=errors, **more_errors(error.more))


def _moved(entry: dict[str, Any], rows: int) -> dict[str, Any]:
    """An entry of `errors` whose row is so many rows further down."""
    return entry | {name: entry[name] + rows for name in ("row", "line") if entry.get(name) is not None}


def _row_in_words(entry: dict[str, Any]) -> str:
    where = f"row {entry['row']}" + (f", {entry['column']}" if entry["column"] else "")
    hint = entry.get("hint")
    return f"{where}: {entry['message']}{f' {hint}' if hint else ''}"
