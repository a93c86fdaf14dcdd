"""One customer in, one probability out."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from churn_api.access.caller import PREDICT
from churn_api.web.core.body import read_query, read_records, require_json_accepted
from churn_api.web.core.operation import documented
from churn_api.web.core.problems import WHEN_PREDICTING, body_errors
from churn_api.web.v1.answers import about, model_to_answer, score, scored_columns
from churn_api.web.v1.schemas import Prediction, PredictQuery

blueprint = Blueprint("predict", __name__)
blueprint.before_request(require_json_accepted)

_QUERY = PredictQuery()


@blueprint.post("/predict/<model>")
@blueprint.post("/predict")
@documented(
    "Predict",
    access=PREDICT,
    limit="predict",
    body="record",
    query=PredictQuery,
    answer=Prediction,
    problems=WHEN_PREDICTING,
)
def predict(model: str | None = None) -> ResponseReturnValue:
    """Score one customer.

    The body is the record itself, flat. A missing or null optional field is a missing value, which the model handles.
    """
    query = read_query(_QUERY)
    chosen = model_to_answer(model, query)
    batch = chosen.reader.read_one(read_records())
    scores = score(chosen, batch, query.get("threshold"))
    answer = {name: values[0] for name, values in scored_columns(scores).items()} | about(scores)
    return answer | {"warnings": body_errors(batch.warnings)} if batch.warnings else answer
