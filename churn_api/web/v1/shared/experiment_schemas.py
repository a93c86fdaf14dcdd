"""Schemas of experiments: the query string, the body and the responses of `/experiments`."""

from marshmallow import Schema, fields, validate

from churn_api.monitoring.canary_rules import RULES
from churn_api.monitoring.experiment_verdict import MEASURES
from churn_api.registry.bundle import NAME
from churn_api.registry.experiment import DEFAULT_PARTS, MODES, PARTS
from churn_api.web import API_V1
from churn_api.web.core.schemas import BodySchema, PlainFloat, PlainInteger, QuerySchema

EXPERIMENT_ID = "3f0c9a17b2d84e65"
MAX_LISTED = 1000
_LEAST, _MOST = 1 / PARTS, 1 - 1 / PARTS
_SHARES = {mode: parts / PARTS for mode, parts in DEFAULT_PARTS.items()}
_BETTER = ["live", "challenger"]


class ExperimentBodySchema(BodySchema):
    """Body of POST /experiments."""

    model = fields.String(
        validate=validate.Length(1, 64),
        metadata={"description": "Name of the model; by default DEFAULT_MODEL.", "example": "default"},
    )
    challenger = fields.String(
        required=True,
        validate=validate.Length(1, 32),
        metadata={"description": "The version to run alongside the live one.", "example": "2"},
    )
    mode = fields.String(
        required=True,
        validate=validate.OneOf(MODES),
        metadata={
            "description": "`shadow`: the challenger scores what the live version answers, and answers no one. "
            "`canary`: it answers a share of the customers, until it breaks a rule. `ab`: it answers a share of them.",
            "example": "shadow",
        },
    )
    share = PlainFloat(
        validate=validate.Range(_LEAST, _MOST),
        metadata={
            "description": "The share of customers whom the challenger answers, to four decimals; a shadow answers "
            f"none, whatever it is. By default {_SHARES['canary']:g} of a canary, {_SHARES['ab']:g} of an A/B test."
        },
    )


class ExperimentsQuerySchema(QuerySchema):
    """Query string of GET /experiments."""

    model = fields.String(
        validate=validate.Regexp(f"^{NAME.pattern}$", error="Must be the name of a model."),
        metadata={"description": "Only those of this model."},
    )
    state = fields.String(validate=validate.OneOf(["running", "stopped"]), metadata={"description": "Only these."})
    limit = PlainInteger(
        load_default=100, validate=validate.Range(1, MAX_LISTED), metadata={"description": "How many at most."}
    )


class ExperimentSummarySchema(Schema):
    """An experiment in the list."""

    id = fields.String(required=True, metadata={"example": EXPERIMENT_ID})
    model_name = fields.String(required=True, metadata={"example": "default"})
    live_version = fields.String(
        required=True, metadata={"description": "The version that is live during the experiment.", "example": "1"}
    )
    challenger = fields.String(required=True, metadata={"example": "2"})
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    share = fields.Float(required=True, metadata={"example": 0})
    state = fields.String(required=True, validate=validate.OneOf(["running", "stopped"]))
    started_at = fields.DateTime(required=True)
    started_by = fields.String(required=True, metadata={"example": "anna"})
    stopped_at = fields.DateTime(required=True, allow_none=True)
    stopped_by = fields.String(required=True, allow_none=True, metadata={"example": None})
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it was stopped.", "example": None}
    )
    evidence = fields.Dict(
        required=True,
        allow_none=True,
        metadata={
            "description": f"Of a canary that was stopped by a rule: which one ({', '.join(RULES)}), and what it saw.",
            "example": None,
        },
    )
    result = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "What outcomes decided, when they first did; null before.", "example": None},
    )


class ExperimentListSchema(Schema):
    """Response of GET /experiments."""

    experiments = fields.List(fields.Nested(ExperimentSummarySchema), required=True)
    count = fields.Integer(required=True)


class ExperimentCountsSchema(Schema):
    """What all workers have counted, some seconds ago."""

    live = fields.Integer(required=True, metadata={"description": "Records answered by the live version."})
    challenger = fields.Integer(
        required=True, metadata={"description": "Records scored by a shadow, or answered by the challenger."}
    )
    errors = fields.Integer(
        required=True, metadata={"description": "How often the challenger failed; the live version answered then."}
    )
    too_slow = fields.Integer(
        required=True, metadata={"description": "How often a shadow was so slow that it paused for a while."}
    )
    compared = fields.Integer(required=True, metadata={"description": "Records that both versions have scored."})
    mean_difference = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Of their probabilities, without sign.", "example": 0.03},
    )
    live_p95_ms = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "95th percentile of the time for scoring the same records.", "example": 0.02},
    )
    challenger_p95_ms = fields.Float(required=True, allow_none=True, metadata={"example": 0.05})


class MeasureSchema(Schema):
    """One measure, of which less is better."""

    measure = fields.String(
        required=True,
        validate=validate.OneOf(list(MEASURES["canary"])),
        metadata={"description": "`left` is the share of customers who left, called ones included."},
    )
    difference = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "The live version's value minus the challenger's; null for too few outcomes.",
            "example": 0.0051,
        },
    )
    low = fields.Float(required=True, allow_none=True, metadata={"example": 0.0012})
    high = fields.Float(required=True, allow_none=True, metadata={"example": 0.009})
    outcomes = fields.Integer(required=True, allow_none=True, metadata={"example": 1300})
    better = fields.String(required=True, allow_none=True, validate=validate.OneOf(_BETTER))


class VerdictSchema(Schema):
    """What mature outcomes say so far. One may look at any time, and as often as one likes."""

    state = fields.String(required=True, validate=validate.OneOf(["too-few", "undecided", "decided"]))
    better = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(_BETTER),
        metadata={"description": "By the first measure.", "example": "challenger"},
    )
    text = fields.String(
        required=True,
        metadata={
            "example": "Version 2 is better: its Brier score is 0.0051 lower (between 0.0012 and 0.0090) after 1,300 "
            "outcomes."
        },
    )
    confidence = fields.Float(required=True, metadata={"example": 0.95})
    outcomes = fields.Integer(required=True, metadata={"example": 1300})
    measures = fields.List(fields.Nested(MeasureSchema), required=True, metadata={"description": "The first decides."})


class MakeLiveSchema(Schema):
    """The call that makes the better version live. Nothing does that by itself."""

    method = fields.String(required=True, metadata={"example": "PUT"})
    href = fields.String(required=True, metadata={"example": f"{API_V1}/models/default/live"})
    body = fields.Dict(required=True, metadata={"example": {"version": "2"}})


class ExperimentSchema(ExperimentSummarySchema):
    """An experiment, with what was counted and the verdict so far."""

    counts = fields.Nested(ExperimentCountsSchema, required=True)
    verdict = fields.Nested(VerdictSchema, required=True)
    make_live = fields.Nested(
        MakeLiveSchema, metadata={"description": "Once outcomes have decided for the challenger, if it is not live."}
    )
