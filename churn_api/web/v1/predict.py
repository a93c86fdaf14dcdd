"""The route `/predict`: one customer in a request."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from churn_api.access.caller import PREDICT
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import MAX_COLUMNS
from churn_api.registry.model_errors import ModelNotReady, OtherKind
from churn_api.scoring.output import PROBABILITY
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_reasons import as_members as reasons_members
from churn_api.web.core.predictions import as_record, model_metadata, model_of_request
from churn_api.web.core.predictions import predict as predict_batch
from churn_api.web.core.problems import WHEN_PREDICTING, Problem, body_errors
from churn_api.web.core.query import JSON
from churn_api.web.v1.shared.batch_options import options_of
from churn_api.web.v1.shared.feature_vectors import read_vectors, require_json_answer
from churn_api.web.v1.shared.prediction_schemas import PredictionSchema, PredictOneQuerySchema
from churn_api.web.v1.shared.reasons_picture import PICTURE, reasons_picture, wants_picture
from churn_api.web.v1.shared.tensor_prediction_schema import TensorPredictionSchema
from churn_api.web.v1.shared.tensor_predictions import predict_tensor
from churn_api.web.v1.shared.vector_answers import answer_vector
from churn_api.web.v1.shared.what_if_member import what_if_member

blueprint = Blueprint("predict", __name__)


@blueprint.post("/predict/<model>")
@blueprint.post("/predict")
@operation(
    "Predict",
    access=PREDICT,
    limit="predict",
    body="record",
    query=PredictOneQuerySchema,
    response=PredictionSchema,
    tensors=TensorPredictionSchema,
    or_files=PICTURE,
    problems=WHEN_PREDICTING,
)
def predict(query: dict[str, Any], body: bytes | None, model: str | None = None) -> ResponseReturnValue:
    """Score one customer.

    The body is the record itself. A missing or null optional field is a missing value, which the model handles.

    With `reasons`, the response says which features moved the prediction most. Base, contributions and others add up
    to the log-odds of the probability. With `what_if`, it says which changes of features that the company can set would
    lower it most, one or two at a time, each with the probability that the model then gives.

    `Accept: image/svg+xml` has the reasons as a picture.

    A tensor model takes `{"features": […]}`, the numbers of one row, where its one input is a matrix; or an image in
    the part `file` of a form, where its input is an image. It answers with a label and probabilities.
    """
    picture = wants_picture(query)
    try:
        live_model = model_of_request(model, query.get("version"))
        if body is None:
            raise Problem("unsupported-media-type", f"Send the body as {JSON}.", accepted=[JSON])
        batch = live_model.reader.read_one(body)
    except OtherKind:
        return predict_tensor(model, query, body)
    except (InvalidRecord, ModelNotReady):
        # Looked for only here, so that a valid record does not pay for it.
        vector_answer = None if body is None else _vector_answer(body, model, query, picture=picture)
        if vector_answer is None:
            raise
        return vector_answer
    answer = predict_batch(live_model, batch, options_of(live_model, query), many=False)
    # While an experiment runs, its challenger may have answered.
    answered, explained = answer.model, answer.explained
    if picture and explained is not None:
        return reasons_picture(answered, batch.identifiers[0], explained)
    prediction = as_record(answer) | model_metadata(answered, answer.threshold, answer.seconds, answer.policy)
    if explained is not None:
        prediction |= reasons_members(answered, explained)
    if "what_if" in query:
        (probability,) = answer.columns[PROBABILITY.name]
        prediction["what_if"] = what_if_member(answered, batch.columns, probability, query["what_if"])
    return prediction | {"warnings": body_errors(batch.warnings)} if batch.warnings else prediction


def _vector_answer(body: bytes, model: str | None, query: dict[str, Any], *, picture: bool) -> dict[str, Any] | None:
    """The answer to a body with a vector; None for any other body."""
    try:
        vectors = read_vectors(body, model, query, "predict.predict", MAX_COLUMNS)
    except OtherKind as other:
        return predict_tensor(other.card.name, query, body)
    if vectors is None:
        return None
    require_json_answer(not picture)
    return answer_vector(vectors, query)
