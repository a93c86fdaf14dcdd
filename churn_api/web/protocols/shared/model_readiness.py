"""Whether a model is ready, in KServe's words."""

from marshmallow import Schema, fields

from churn_api.web.core.app_services import live_models
from churn_api.web.core.health import require_ready
from churn_api.web.core.problems import WHEN_NOT_READY

WHEN_MODEL_NOT_READY = ("unknown-model", "unknown-version", *WHEN_NOT_READY)
"""Codes of problems that readiness probes of a model can have."""


class ModelReadySchema(Schema):
    """Response of readiness probes of a model."""

    name = fields.String(required=True, metadata={"example": "default"})
    ready = fields.Boolean(required=True, metadata={"example": True})


def require_model_ready(model: str, version: str | None = None) -> None:
    """Raise Problem, UnknownModel or UnknownVersion where predictions of a model cannot be made.

    A version that is not live is not loaded for that: probes need no key.
    """
    require_ready(model)
    if version is not None:
        live_models().digest(model, version)
