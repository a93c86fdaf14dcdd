"""The routes of the prediction log: find what was predicted, and erase a customer."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import OPS
from churn_api.monitoring.erasures import erase
from churn_api.web.core.app_services import services
from churn_api.web.core.auth import actor
from churn_api.web.core.operation import operation
from churn_api.web.v1.shared.prediction_log_schemas import (
    ErasedSchema,
    EraseQuerySchema,
    LoggedPredictionsSchema,
    LoggedQuerySchema,
)

blueprint = Blueprint("prediction_log", __name__)


@blueprint.get("/predictions")
@operation(
    "Predictions",
    access=OPS,
    limit="management",
    query=LoggedQuerySchema,
    response=LoggedPredictionsSchema,
    id="findPredictions",
)
def find(query: dict[str, Any]) -> ResponseReturnValue:
    """Find what was predicted, the newest first: in one request or job, for one customer, or lately.

    Predictions appear about two minutes after they were made. Where machines do not share the folder of the log, those
    of the machine that answers are found.
    """
    # Imported here: it loads Arrow.
    from churn_api.monitoring.found_predictions import Wanted, found_predictions

    since = (datetime.now(UTC) - timedelta(days=query["days"])).date()
    wanted = Wanted(query.get("request_id"), services().monitoring.customer_keys.key(query.get("customer_id")))
    found = found_predictions(services().monitoring.log_folder, services().database, wanted, since, query["limit"])
    return jsonify({"predictions": found, "count": len(found)})


@blueprint.delete("/predictions")
@operation(
    "Predictions",
    access=OPS,
    limit="management",
    query=EraseQuerySchema,
    response=ErasedSchema,
    id="erasePredictions",
)
def erase_customer(query: dict[str, Any]) -> ResponseReturnValue:
    """Erase what was predicted for a customer until now.

    No route finds it from now on; the files of every machine are written again without it by its next compaction. The
    audit log has who did it and when, and no identifier. Calling it again is safe; the answer does not say whether
    anything was predicted.
    """
    key = services().monitoring.customer_keys.key(str(query["customer_id"]))
    return jsonify({"erased_until": erase(services().database, key, by=actor())})
