"""The options of the clients' methods, once for the synchronous and the asynchronous one."""

from collections.abc import Iterable, Mapping
from typing import TypedDict


class ClientOptions(TypedDict, total=False):
    """Options of a client."""

    timeout: float
    """Seconds that a connection, or the next bytes, may take: 30 by default."""
    retries: int
    """How often a call is sent again that gets no response, or is refused for a while (429, 503): 3 by default."""
    max_wait: float
    """The longest wait before a call is sent again, in seconds, 60 by default; a longer one is an error at once."""
    parallel: int
    """How many requests `predict_many` sends at the same time: 4 by default."""
    rows_per_request: int
    """How many customers `predict_many` sends in a request: 1,000 by default, which is the service's default limit."""
    headers: Mapping[str, str]
    """Headers of every request, such as `Accept-Language` for the texts of reasons."""


class ManyOptions(TypedDict, total=False):
    """Options of predictions. What is left out or None is as the service has it."""

    model: str | None
    """Name of the model; by default the service's default model."""
    version: str | int | None
    """Version of the model; by default the live one."""
    threshold: float | None
    """Probability from which churn is predicted, in place of the model's own."""
    reasons: int | None
    """How many of the strongest reasons to give, at most 20."""


class OneOptions(ManyOptions, total=False):
    """Options of a single prediction."""

    what_if: int | None
    """How many changes to give that would lower the probability, at most 20."""


class CallListOptions(TypedDict, total=False):
    """What is asked of a call list, of a model with costs."""

    capacity: int
    """At most so many calls."""
    budget: float
    """What calls and accepted offers may cost, on average."""
    value_column: str
    """Column that says what each customer is worth, in place of the costs' own."""
    control_share: float
    """Share of the list that is not to be called, at random, to see what calling changes; at most a half."""


class JobOptions(ManyOptions, total=False):
    """Options of a job."""

    call_list: CallListOptions
    """To list whom to call, in the order of what that gains, in place of scoring all customers in their order."""

    on_error: str
    """What a bad row does: `fail` (the default) fails the job, `skip` gets no scores."""
    keep: Iterable[str]
    """Names of the columns that the result repeats, or the text `all`."""
    format: str
    """Format of the input, where the file's name does not say it: csv, ndjson, parquet, arrow, xlsx."""
    result_format: str
    """Format of the result; by default the input's."""
    encoding: str
    skip_rows: int
    """Lines above the header."""
    sheet: str
    idempotency_key: str
    """A name for the job: sent again with the same request it gives the same job. By default a new one."""
