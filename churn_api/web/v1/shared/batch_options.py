"""The options of predictions in a query: what a bad row does, which layout JSON has, which columns are kept."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from churn_api.registry.model import Model
from churn_api.serving.prediction_options import Options
from churn_api.tables.formats import TITLES
from churn_api.web.core.prediction_reasons import wanted_reasons

FAIL, SKIP = "fail", "skip"
ALL = "all"
ROWS, COLUMNS = "rows", "columns"
A_TABLE = f"A table: {TITLES}."
"""Description of a form's file in the OpenAPI document."""


class KeepField(fields.Field[list[str] | None]):
    """Columns to repeat: a list of names, names separated by commas, or `all`, which is None."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str] | None:
        if value == ALL:
            return None
        names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) and "\0" not in name for name in names):
            raise ValidationError(f"Must be names of columns, or {ALL}.")
        return names


def options_of(model: Model, query: Mapping[str, Any]) -> Options:
    """The prediction options in a query. Raises Problem where the model gives no reasons, and the query wants some."""
    return Options(query.get("threshold"), query.get("on_error") == SKIP, reasons=wanted_reasons(model, query))
