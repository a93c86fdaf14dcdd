"""The route of a model's report: what was measured when it was trained."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS
from churn_api.reports.page import ReportedVersion
from churn_api.web.core.app_services import live_models
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import Problem
from churn_api.web.v1.shared.report_formats import FILES, preferred_type, report_response
from churn_api.web.v1.shared.report_schemas import EvaluationReportSchema, ReportQuerySchema

blueprint = Blueprint("model_report", __name__)


@blueprint.get("/models/<model>/report")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    query=ReportQuerySchema,
    response=EvaluationReportSchema,
    or_files=FILES,
    problems=("unknown-model", "unknown-version", "unknown-report", "other-kind-of-model", "model-not-ready"),
    id="getModelReport",
)
def show_report(query: dict[str, Any], model: str) -> ResponseReturnValue:
    """Show how well a version predicts, measured on customers that it was not fitted on.

    Metrics, curves, calibration, gains, the confusion matrix by threshold, importance, and churn along each feature.
    `version` may be any registered version; by default it is the live one. `Accept: text/html` has the page for people,
    `image/svg+xml` and `image/png` its charts.
    """
    media_type = preferred_type()
    files = live_models().files(model, query.get("version"))
    report = files.report()
    if report is None:
        raise Problem("unknown-report", "The version was packaged without measurements: train or package it again.")
    return report_response(ReportedVersion(files.card(), report, files.explanation()), media_type)
