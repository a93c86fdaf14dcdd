"""The parameters that a body may have in addition to its records: `threshold` and `reasons`."""

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError

from churn_api.contract.faults import Fault
from churn_api.contract.fields import InRange, Integer, Number
from churn_api.contract.size_limits import MAX_REASONS
from churn_api.registry.model import Model
from churn_api.serving.prediction_options import Options
from churn_api.web.core.prediction_reasons import wanted_reasons
from churn_api.web.core.problems import body_errors, invalid
from churn_api.web.protocols.shared.json_payload import malformed


class ParametersSchema(Schema):
    """Options of a prediction. Clients send others unasked, which are ignored."""

    class Meta:
        unknown = EXCLUDE

    threshold = Number(
        allow_none=True,
        validate=InRange(0, 1),
        metadata={"description": "Probability from which churn is predicted; by default the model's."},
    )
    reasons = Integer(
        allow_none=True,
        validate=InRange(1, MAX_REASONS),
        metadata={"description": "How many of the strongest reasons to give for each prediction."},
    )


_SCHEMA = ParametersSchema()


def options_at(model: Model, body: Mapping[str, Any], member: str) -> Options:
    """The options in a member of a body, an object or null. Raises Problem listing every fault."""
    sent = body.get(member)
    if sent is None:
        return Options()
    if not isinstance(sent, dict):
        raise malformed(f"'{member}' must be an object.", member)
    try:
        loaded: dict[str, Any] = _SCHEMA.load(sent)
    except ValidationError as error:
        faults = [fault.under(member, str(name)) for name, sent in error.messages_dict.items() for fault in sent]
        detail = " ".join(f"{name}: {fault.message}" for name, (fault, *_) in error.messages_dict.items())
        raise invalid(body_errors(faults), detail=detail) from None
    chosen = {name: value for name, value in loaded.items() if value is not None}

    def errors(faults: list[Fault]) -> list[dict[str, Any]]:
        return body_errors(fault.under(member) for fault in faults)

    return Options(chosen.get("threshold"), reasons=wanted_reasons(model, chosen, errors))
