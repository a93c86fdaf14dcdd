"""A request of `/invocations`, whatever its path: a body in one of MLflow's or SageMaker's forms -> predictions."""

from typing import Any

from flask import Response

from churn_api.registry.model import Model
from churn_api.serving.answer import Answer
from churn_api.serving.prediction_options import Options
from churn_api.tables.formats import CSV, NDJSON, PARQUET
from churn_api.web.core.predictions import model_of_request
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.invocation_answers import JSON_LINES, invocation_response
from churn_api.web.protocols.shared.invocation_tables import predict_csv, predict_parquet
from churn_api.web.protocols.shared.json_payload import parse_json, read_plain_body, sent_type
from churn_api.web.protocols.shared.mlflow_records import line_records, mlflow_records
from churn_api.web.protocols.shared.parameters import options_at
from churn_api.web.protocols.shared.prediction_objects import answer_headers, model_headers, output_columns
from churn_api.web.protocols.shared.sent_records import predict_sent

PARAMS = "params"
BODY_TYPES = (JSON, CSV.media_type, PARQUET.media_type, JSON_LINES, NDJSON.media_type)

_PARAMETERS = {CSV.media_type: {"header": ("present", "absent"), "label_size": ("0",)}}


def invoke(name: str | None) -> Response:
    """Predict with a model for the records in the request's body. Raises Problem and what models raise."""
    model = model_of_request(name)
    media_type, parameters = sent_type(BODY_TYPES, _PARAMETERS)
    body = read_plain_body()
    if media_type in (CSV.media_type, PARQUET.media_type):
        is_csv = media_type == CSV.media_type
        columns, policy = predict_csv(model, body, parameters.get("header")) if is_csv else predict_parquet(model, body)
        return invocation_response(columns, model_headers(model, policy))
    answer = _predict(model, body, media_type)
    return invocation_response(output_columns(answer), answer_headers(answer))


def _predict(model: Model, body: bytes, media_type: str) -> Answer:
    names = model.lenient_reader.names
    if media_type != JSON:
        return predict_sent(model, line_records(body, names), Options(), ignore_unknown=True)
    payload: Any = parse_json(body)
    sent = mlflow_records(payload, names)
    options = options_at(model, payload if isinstance(payload, dict) else {}, PARAMS)
    return predict_sent(model, sent, options, ignore_unknown=True)
