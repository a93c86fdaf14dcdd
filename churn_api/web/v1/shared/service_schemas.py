"""Schemas of the service itself: `/` and `/status`."""

from marshmallow import Schema, fields

from churn_api import __version__
from churn_api.web import API_V1


class ServiceCardSchema(Schema):
    """Response of /."""

    name = fields.String(required=True, metadata={"example": "churn-api"})
    version = fields.String(required=True, metadata={"example": __version__})
    status = fields.String(required=True, metadata={"example": "alive"})
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"example": {"predict": f"{API_V1}/predict"}},
    )


class ServiceStatusSchema(Schema):
    """Response of /status."""

    version = fields.String(required=True, metadata={"example": __version__})
    timestamp = fields.DateTime(required=True)
    models = fields.Dict(
        required=True,
        metadata={
            "description": "By name, the live version.",
            "example": {"default": {"version": "1", "generation": 1}},
        },
    )
    workers = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "The workers, with the versions that each serves.",
            "example": [{"host": "web-1", "pid": 71, "models": {"default": {"version": "1", "generation": 1}}}],
        },
    )
    jobs = fields.Dict(
        required=True,
        metadata={
            "description": "Number of jobs by state; seconds that the oldest has waited.",
            "example": {"queued": 0, "running": 1, "oldest_seconds": 0.0},
        },
    )
    limits = fields.Dict(
        required=True,
        metadata={
            "description": "Rates for callers without a rate of their own.",
            "example": {"predict": "100/minute"},
        },
    )
