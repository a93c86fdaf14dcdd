"""The threshold of a training, chosen on rows out of fold."""

from churn_api.contract.remark import Remark
from churn_api.training.evaluation_metrics import taken
from churn_api.training.preparation import TrainingData
from churn_api.training.thresholds import Threshold, flagging_share, largest_f1
from churn_api.training.training_error import TrainingError
from churn_api.training.validation import Evaluation


def check_calls(calls: int | None, data: TrainingData) -> None:
    """Raise TrainingError where more rows are to be called than the table has."""
    if calls is not None and calls > len(data.labels):
        raise TrainingError(f"--calls {calls:,}: the table has {len(data.labels):,} rows to learn from")


def choose_threshold(data: TrainingData, final: Evaluation, calls: int | None) -> Threshold:
    """The threshold that flags `calls` rows of the table, or else the one with the largest F1.

    Only evaluated rows have probabilities; of these it flags the same share. Adds a remark to the data's where rows
    with equal probabilities keep it from flagging as many.
    """
    rows = final.evaluated
    measured = data.labels[rows], final.probabilities[rows], taken(data.weights, rows)
    if calls is None:
        return largest_f1(*measured)
    total = len(data.labels)
    threshold = flagging_share(calls / total, *measured)
    flagged = threshold.flagged * total
    heaviest = 1.0 if data.weights is None else float(data.weights.max())
    if abs(flagged - calls) > heaviest * total / len(rows):
        seen = f"the {calls:,} most probable rows end among rows of the same probability"
        data.remarks.append(Remark(seen=seen, done=f"the threshold calls {flagged:,.0f}"))
    return threshold._replace(calls=calls)
