"""Frames of the prediction log, as a process or a job worker writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.open_segment import OpenSegment
from churn_api.monitoring.prediction_frame import Frame
from churn_api.serving.predicted_rows import JobBlock, PredictedRows

SECRET = b"a secret of 32 characters or more"
KEYS = CustomerKeys(SECRET)
SIGNATURE = Signature.from_json(
    b'{"features": [{"name": "tenure", "type": "integer"}, {"name": "plan", "type": "string"}], '
    b'"target": {"name": "Churn", "positive": "Yes", "negative": "No"}}'
)


def block(number: int, identifiers: list[Any], records: Columns | None = None) -> tuple[JobBlock, PredictedRows]:
    """A block of a job with these customers."""
    probabilities = np.linspace(0, 1, len(identifiers))
    decisions = (probabilities >= 0.5).astype(np.int8)
    rows = PredictedRows(0.5, identifiers, probabilities, decisions, None, SIGNATURE, records)
    return JobBlock("job", datetime(2026, 11, 26, tzinfo=UTC), "small", "1", number, 100 * number), rows


def log_answers(
    folder: LogFolder,
    names: Sequence[str],
    at: datetime | None = None,
    request_id: str | None = None,
    version: str = "1",
) -> None:
    """Write a closed segment in which each name is a request, by default with the customer's name as its id."""
    segment = OpenSegment(folder.segments, SECRET)
    for name in names:
        frame = Frame(
            number=0,
            at=int((at or datetime.now(UTC)).timestamp() * 1e6),
            request_id=request_id or name,
            block=None,
            model="small",
            version=version,
            variant="live",
            threshold=0.5,
            first=0,
            positions=b"",
            probabilities=b"\0" * 4,
            decisions=b"\0",
            identifiers=b"",
            records=None,
        )
        segment.append(frame, [name])
    segment.close()
