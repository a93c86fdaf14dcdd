"""Client of the churn API, synchronous and asynchronous, with types."""

from churn_client.answers import (
    Change,
    ContributionBin,
    Explanation,
    Fault,
    FeatureExplanation,
    Job,
    Model,
    Prediction,
    Reason,
    Token,
    Variant,
)
from churn_client.async_client import AsyncClient
from churn_client.client import Client
from churn_client.exceptions import (
    ChurnClientError,
    ErrorResponse,
    InvalidRequest,
    JobNotSucceeded,
    NoResponse,
    NotPermitted,
    NotThere,
    TooManyRequests,
    Unavailable,
    UnexpectedResponse,
)

__all__ = [
    "AsyncClient",
    "Change",
    "ChurnClientError",
    "Client",
    "ContributionBin",
    "ErrorResponse",
    "Explanation",
    "Fault",
    "FeatureExplanation",
    "InvalidRequest",
    "Job",
    "JobNotSucceeded",
    "Model",
    "NoResponse",
    "NotPermitted",
    "NotThere",
    "Prediction",
    "Reason",
    "Token",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedResponse",
    "Variant",
]
