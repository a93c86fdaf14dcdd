"""Reasons of predictions in protocols that have them apart from the predictions."""

from typing import Any

from churn_api.scoring.output import RESERVED_NAMES
from churn_api.serving.answer import Answer
from churn_api.web.protocols.shared.prediction_objects import output_columns, prediction_objects


def explanation_objects(answer: Answer) -> list[dict[str, Any]]:
    """An object for each prediction: its reasons, and what they add up to with the rest."""
    columns = output_columns(answer).items()
    return prediction_objects({name: values for name, values in columns if name not in RESERVED_NAMES})
