"""Experiments: routes that put a version alongside the live one, show how both do, and stop that."""

from typing import Any

from flask import Blueprint, current_app, jsonify, url_for
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS, WRITE_MODELS
from churn_api.monitoring.experiment_document import experiment_document, experiment_summary
from churn_api.registry.experiment import DEFAULT_PARTS, PARTS, Experiment
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import actor
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.core.response_headers import LOCATION
from churn_api.web.v1.shared.experiment_schemas import (
    ExperimentBodySchema,
    ExperimentListSchema,
    ExperimentSchema,
    ExperimentsQuerySchema,
)

blueprint = Blueprint("experiments", __name__)

_STOPPED = "stopped on request"


@blueprint.get("/experiments")
@operation(
    "Experiments",
    access=READ_MODELS,
    limit="management",
    query=ExperimentsQuerySchema,
    response=ExperimentListSchema,
)
def list_experiments(query: dict[str, Any]) -> ResponseReturnValue:
    """List the experiments, the newest first."""
    running = {"running": True, "stopped": False}.get(query.get("state", ""))
    found = services().experiments.list(query["limit"], model=query.get("model"), running=running)
    return jsonify({"experiments": [experiment_summary(one) for one in found], "count": len(found)})


@blueprint.post("/experiments")
@operation(
    "Experiments",
    access=WRITE_MODELS,
    limit="management",
    body=ExperimentBodySchema,
    response=ExperimentSchema,
    status=201,
    problems=("unknown-model", "unknown-version", "other-kind-of-model", "conflict", "model-not-ready"),
    id="startExperiment",
    response_headers=(LOCATION,),
)
def start(body: Members) -> ResponseReturnValue:
    """Put a version alongside the live one. A model has one experiment at a time; all workers join within two seconds.

    The same customer always gets the same version. A record without an identifier, a request that names its version,
    and tables and jobs are answered by the live version, or the one named. The challenger must read every record that
    the live version reads. Making another version live ends the experiment.
    """
    values, mode = body.values, body.values["mode"]
    share = DEFAULT_PARTS[mode] if mode == "shadow" or "share" not in values else round(values["share"] * PARTS)
    model = values.get("model", current_app.config["DEFAULT_MODEL"])
    started = services().experiment_management.start(model, values["challenger"], mode, share, by=actor())
    location = {LOCATION.name: url_for("experiments.show", experiment=started.id)}
    return jsonify(_document(started)), 201, location


@blueprint.get("/experiments/<experiment>")
@operation(
    "Experiments",
    access=READ_MODELS,
    limit="management",
    response=ExperimentSchema,
    problems=("unknown-experiment",),
    id="getExperiment",
)
def show(experiment: str) -> ResponseReturnValue:
    """Show an experiment: what was counted, and what outcomes say so far, with its evidence.

    The verdict holds however often one looks. Outcomes of predictions of its time count after its end too.
    """
    return jsonify(_document(services().experiments.get(experiment)))


@blueprint.delete("/experiments/<experiment>")
@operation(
    "Experiments",
    access=WRITE_MODELS,
    limit="management",
    response=ExperimentSchema,
    problems=("unknown-experiment", "conflict"),
    id="stopExperiment",
)
def stop(experiment: str) -> ResponseReturnValue:
    """Stop an experiment: the live version answers alone. It stays in the list, and its outcomes still count."""
    return jsonify(_document(services().experiment_management.stop(experiment, by=actor(), reason=_STOPPED)))


def _document(experiment: Experiment) -> dict[str, Any]:
    document = experiment_document(services().database, experiment)
    served = live_models().served.get(experiment.model)
    if document["verdict"]["better"] == "challenger" and served and served.version != experiment.challenger:
        address = url_for("models.make_live", model=experiment.model)
        document["make_live"] = {"method": "PUT", "href": address, "body": {"version": experiment.challenger}}
    return document
