"""What the service answers, as immutable objects. Members that this client does not know are left out."""

from datetime import datetime
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """Base of all answers."""


class Fault(Answer, frozen=True):
    """One fault of a request, or one warning of a prediction."""

    code: str
    message: str
    hint: str | None = None
    pointer: str | None = None
    """JSON Pointer to the faulty member: `#/tenure`, or `#/1500/tenure` of the record 1,500 of `predict_many`."""
    parameter: str | None = None
    """Name of a query parameter."""
    row: int | None = None
    """Row of a job's file, whose header is row 1."""
    line: int | None = None
    column: str | None = None
    position: int | None = None
    """Of `predict_many`: which record it is, from 0, as in `records[position]` or `frame.iloc[position]`."""

    def __str__(self) -> str:
        where = self.pointer or self.parameter or (f"row {self.row}" if self.row else "")
        return " ".join(filter(None, (where, self.message, self.hint)))


class Reason(Answer, frozen=True):
    """One reason of a prediction."""

    feature: str
    value: Any
    contribution: float
    points: float
    text: str


class Change(Answer, frozen=True):
    """A feature that is changed."""

    feature: str
    value: Any


class Variant(Answer, frozen=True):
    """The record with one or two changes, and the probability that the model gives it."""

    changes: tuple[Change, ...]
    probability: float
    points: float
    text: str


class Prediction(Answer, frozen=True):
    """A model's prediction for one customer."""

    customer_id: str | int | None
    churn_prediction: int
    churn_probability: float
    risk_band: str
    threshold: float | None
    """None where it differs by customer, or no probability reaches it."""
    model_name: str
    model_version: str
    inference_time_ms: float
    timestamp: datetime
    request_id: str
    policy: int | None = None
    """Version of the model's costs, where they set the threshold."""
    variant: str | None = None
    """Which version of an experiment answered; None where none runs."""
    warnings: tuple[Fault, ...] = ()
    reasons: tuple[Reason, ...] = ()
    """Strongest first; empty where none were asked for."""
    others: float | None = None
    base: float | None = None
    log_odds: float | None = None
    probability: float | None = None
    """The total of contributions, for a model whose contributions are parts of the probability."""
    reasons_method: str | None = None
    what_if: tuple[Variant, ...] = ()


class Estimate(Answer, frozen=True):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class CallList(Answer, frozen=True):
    """What a job's call list was asked for, and once it is finished, what it amounts to if probabilities are right.

    The expected amounts are None before that, and where outcomes have shown that probabilities are off.
    """

    policy: int
    """Version of the model's costs."""
    capacity: int | None
    budget: float | None
    control_share: float
    worth_calling: int | None = None
    """Customers whose call gains something, listed or not."""
    called: int | None = None
    control: int | None = None
    expected_cost: float | None = None
    expected_leavers: float | None = None
    expected_kept: float | None = None
    expected_profit: float | None = None
    profit_low: float | None = None
    profit_high: float | None = None
    calibration: Estimate | None = None
    """The share that left less the mean probability, as outcomes showed it when the list was made."""


class Job(Answer, frozen=True):
    """A table that is scored in the background."""

    id: str
    state: str
    model: str
    version: str
    format: str
    result_format: str
    on_error: str
    policy: int | None
    """Version of the model's costs, where they set the threshold."""
    rows: int
    bad_rows: int
    more_errors: int
    percent: float
    rows_per_second: float | None
    seconds_left: float | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reason: dict[str, Any] | None
    result_bytes: int | None
    unseen: dict[str, Any]
    outside: dict[str, Any]
    links: dict[str, str]
    call_list: CallList | None = None
    """Where the job makes one."""

    @property
    def is_finished(self) -> bool:
        """Whether its state is final."""
        return self.state in ("succeeded", "failed", "cancelled")


class Model(Answer, frozen=True):
    """A model: its versions and, where one was asked for, the card of its live version."""

    name: str
    versions: tuple[str, ...]
    live: str | None
    generation: int | None
    ready: bool
    default: bool
    reason: str | None = None
    without_reasons: str | None = None
    created_at: datetime | None = None
    kind: str | None = None
    scorer: str | None = None
    signature: dict[str, Any] | None = None
    policy: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    libraries: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    parity: dict[str, Any] | None = None
    inputs: tuple[dict[str, Any], ...] | None = None
    outputs: tuple[dict[str, Any], ...] | None = None
    labels: tuple[str, ...] | None = None
    scores: dict[str, Any] | None = None
    independent_rows: bool | None = None
    image: dict[str, Any] | None = None
    reasons: dict[str, Any] | None = None


class ContributionBin(Answer, frozen=True):
    """Training rows with similar values of a feature, and what these add to predictions in the mean."""

    kind: str
    share: float
    contribution: float
    lower: float | None = None
    upper: float | None = None
    category: str | None = None


class FeatureExplanation(Answer, frozen=True):
    """How one feature moves predictions."""

    feature: str
    importance: float
    reference: str | None = None
    bins: tuple[ContributionBin, ...] = ()


class Explanation(Answer, frozen=True):
    """What moves a model's predictions in general."""

    model_name: str
    model_version: str
    created_at: datetime
    format: int
    method: str
    scale: str
    base: float
    background_rows: int
    features: tuple[FeatureExplanation, ...]


class Token(Answer, frozen=True):
    """A short-lived token, to be used as a client's key."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
