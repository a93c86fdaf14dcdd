"""Headers of responses with predictions: what a JSON response has as members, and most other forms have no room for."""

from churn_api.web.core.declaration import Header

MODEL = Header("Churn-Model", "Model that made the predictions.", "default")
MODEL_VERSION = Header("Churn-Model-Version", "Its version.", "1")
POLICY = Header("Churn-Policy", "Version of the model's costs, where they set the threshold.", "3")
THRESHOLD = Header(
    "Churn-Threshold", "Probability from which churn was predicted; left out where it differs by customer.", "0.42"
)
INFERENCE_TIME = Header("Churn-Inference-Time-Ms", "Inference time, in milliseconds.", "0.9")
ROWS = Header("Churn-Rows", "Rows of the table.", "2")
BAD_ROWS = Header("Churn-Bad-Rows", "Rows without scores, with on_error=skip.", "0")
UNSEEN = Header("Churn-Unseen", "Cells that hold a category which training did not see.", "0")
OUTSIDE = Header("Churn-Outside", "Cells far outside the range that training saw.", "0")

BY_MEMBER = {
    "model_name": MODEL,
    "model_version": MODEL_VERSION,
    "threshold": THRESHOLD,
    "inference_time_ms": INFERENCE_TIME,
    "policy": POLICY,
}
"""By the names of the same values in JSON responses."""
PREDICTION_HEADERS = (MODEL, MODEL_VERSION, POLICY)
"""Of other systems' protocols."""
TABLE_HEADERS = (*BY_MEMBER.values(), ROWS, BAD_ROWS, UNSEEN, OUTSIDE)
"""Of tables, which have scores only."""
