"""The columns of predictions as fields of a schema, with the examples of the OpenAPI document."""

from typing import Any

from marshmallow import fields

from churn_api.scoring.output import COLUMNS, Column, policy_around

EXAMPLE_THRESHOLD, _EXAMPLE_PROBABILITY = 0.42, 0.8312


def output_fields() -> dict[str, fields.Field[Any]]:
    """A field for each column of predictions, by its name."""
    return {
        column.name: fields.Raw(required=True, metadata=dict(column.schema) | {"example": EXAMPLE_OUTPUT[column.name]})
        for column in COLUMNS
    }


def _example(column: Column) -> Any:
    """The value of a column for the customer of the examples."""
    computed = column.compute(_EXAMPLE_PROBABILITY, EXAMPLE_THRESHOLD, policy_around(EXAMPLE_THRESHOLD))
    return column.values([computed])[0]


EXAMPLE_OUTPUT = {column.name: _example(column) for column in COLUMNS}
