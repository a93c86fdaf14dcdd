"""Predictions as other systems' protocols have them: an object for each, or columns by name."""

from typing import Any

import msgspec
from flask import Response
from marshmallow import Schema, fields

from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.contract.fields import IDENTIFIER_TYPES
from churn_api.registry.model import AnyModel
from churn_api.registry.variants import CHALLENGER
from churn_api.serving.answer import Answer
from churn_api.web.core.output_schema import output_fields
from churn_api.web.core.prediction_headers import MODEL, MODEL_VERSION, POLICY
from churn_api.web.core.predictions import as_explained_columns
from churn_api.web.core.query import JSON
from churn_api.web.core.reason_schemas import BaseSchema, ReasonsSchema

_OutputSchema = Schema.from_dict(
    {
        IDENTIFIER: fields.Raw(metadata={"anyOf": IDENTIFIER_TYPES, "description": "As sent.", "example": "CUST001"}),
        **output_fields(),
    },
    name="ProtocolOutput",
)


class PredictionObjectSchema(_OutputSchema, ReasonsSchema, BaseSchema):  # type: ignore[misc,valid-type]  # created at run time from the output columns
    """A prediction: the identifier, where the record has one, the output columns, and reasons where they are wanted."""

    class Meta:
        exclude = ("reasons_method",)


def output_columns(answer: Answer) -> dict[str, list[Any]]:
    """The columns of an answer: the identifier first, where a record has one; reasons last, where they are wanted."""
    columns = without_absent_identifiers(as_explained_columns(answer))
    if answer.explained is not None:
        columns["base"] = [answer.explained.strongest.base] * len(answer.identifiers)
    return columns


def without_absent_identifiers(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The columns of predictions, without identifiers where no record has one."""
    if all(identifier is None for identifier in columns[IDENTIFIER]):
        return {name: values for name, values in columns.items() if name != IDENTIFIER}
    return columns


def prediction_objects(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """An object for each prediction, in order."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def predictions_response(answer: Answer) -> Response:
    """The response `{"predictions": [{…}, …]}`."""
    return answer_response(answer, msgspec.json.encode({"predictions": prediction_objects(output_columns(answer))}))


def answer_response(answer: Answer, body: bytes, content_type: str = JSON) -> Response:
    """A response of any type with the headers that name the model and its costs."""
    return Response(body, headers=answer_headers(answer), content_type=content_type)


def answer_headers(answer: Answer) -> dict[str, str]:
    """The headers of an answer; they name both versions, where both versions of an experiment answered."""
    headers = model_headers(answer.model, answer.policy)
    if answer.split is not None and CHALLENGER in answer.split.variants:
        headers[MODEL_VERSION.name] += f", {answer.split.challenger.card.version}"
    return headers


def model_headers(model: AnyModel, policy: int | None = None) -> dict[str, str]:
    """The headers that name the model of predictions, and the version of the costs that set the threshold, if any."""
    headers = {MODEL.name: model.card.name, MODEL_VERSION.name: model.card.version}
    return headers if policy is None else headers | {POLICY.name: str(policy)}
