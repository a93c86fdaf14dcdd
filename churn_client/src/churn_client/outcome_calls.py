"""Operations of outcomes."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from churn_client.calls import JSON, ask, json_body
from churn_client.monitoring_answers import Complete, Receipt
from churn_client.plain_values import encode_record
from churn_client.steps import Call, Steps


def report(outcomes: Any, model: str | None) -> Steps[Receipt]:
    """Report a list of mappings, a DataFrame or an Arrow table."""
    headers, content = _body(outcomes)
    return ask(Call("POST", "outcomes", _of_model(model), headers, content), Receipt)


def complete(until: date | str, model: str | None) -> Steps[Complete]:
    """Declare that everyone who left up to a day is reported."""
    return ask(Call("POST", "outcomes/complete", _of_model(model), **json_body({"until": until})), Complete)


def _of_model(model: str | None) -> dict[str, str]:
    return {} if model is None else {"model": model}


def _body(outcomes: Any) -> tuple[dict[str, str], bytes]:
    if isinstance(outcomes, Iterable) and not hasattr(outcomes, "columns"):
        rows: Iterable[Mapping[str, Any]] = outcomes
        return JSON, b'{"outcomes":[%b]}' % b",".join(encode_record(row, at) for at, row in enumerate(rows))
    # Imported here, so that a program without tables needs no pyarrow.
    from churn_client.arrow_rows import ARROW, arrow_stream
    from churn_client.frame_arrow import to_arrow

    return {"Content-Type": ARROW}, arrow_stream(to_arrow(outcomes))
