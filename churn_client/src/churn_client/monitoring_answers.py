"""What the service answers of models in use: drift, live quality, outcomes."""

from datetime import date, datetime

from churn_client.answers import Answer, Estimate


class ExpectedQuality(Answer, frozen=True):
    """The quality to be expected, estimated from probabilities alone."""

    roc_auc: float | None
    roc_auc_band: tuple[float, ...] | None
    brier: float
    rate: float


class Drift(Answer, frozen=True):
    """A comparison with the training rows."""

    state: str
    """`quiet`, `moved` or `drifted`."""
    psi: float
    chi_square: float


class FeatureDrift(Answer, frozen=True):
    """One feature in one window."""

    feature: str
    state: str
    psi: float
    chi_square: float
    missing: float
    unseen: float


class WatchWindow(Answer, frozen=True):
    """Predictions of consecutive hours."""

    start: datetime
    end: datetime
    rows: int
    open: bool
    state: str
    """As of Drift, or `too few`."""
    scores: Drift | None = None
    expected: ExpectedQuality | None = None
    features: tuple[FeatureDrift, ...] = ()


class WatchBin(Answer, frozen=True):
    """Similar values of a feature, and their share of the rows."""

    kind: str
    before: float
    """In training."""
    after: float | None
    """In the latest window."""
    lower: float | None = None
    upper: float | None = None
    category: str | None = None


class WatchedFeature(Answer, frozen=True):
    """One feature in the latest window that was compared."""

    feature: str
    state: str
    alert: bool
    critical: float
    bins: tuple[WatchBin, ...]
    reference: date | None = None


class WatchBaseline(Answer, frozen=True):
    """What predictions are compared with."""

    rows: int
    expected: ExpectedQuality


class Watch(Answer, frozen=True):
    """Whether customers are still like those of training."""

    model_name: str
    model_version: str
    state: str
    alerts: tuple[str, ...]
    """Features that drifted in the last closed window, or moved in the last two."""
    score_alert: bool
    baseline: WatchBaseline
    windows: tuple[WatchWindow, ...]
    """The oldest first."""
    features: tuple[WatchedFeature, ...]


class Reliability(Answer, frozen=True):
    """Customers with similar probabilities: a tenth of all."""

    predicted: float
    observed: Estimate
    predictions: int


class QualityWindow(Answer, frozen=True):
    """Predictions of consecutive days whose outcomes are known."""

    start: date
    end: date
    predictions: int
    leavers: int
    rate: Estimate
    mean_probability: float
    state: str
    """`measured`, or `too few`: the figures below are None then."""
    roc_auc: Estimate | None = None
    brier: Estimate | None = None
    ece: float | None = None
    calibration: Estimate | None = None
    """The share that left less the mean probability."""
    precision: Estimate | None = None
    recall: Estimate | None = None
    reliability: tuple[Reliability, ...] = ()
    expected: ExpectedQuality | None = None


class VersionQuality(Answer, frozen=True):
    """The live quality of a version, as the live one, as a challenger, or as what requests name."""

    version: str
    variant: str
    horizon_days: int | None
    trained: dict[str, float]
    """What training measured."""
    alert: bool
    without_identifier: int
    windows: tuple[QualityWindow, ...]
    """Of customers who were not called, the oldest first."""
    contacted: tuple[QualityWindow, ...]


class Quality(Answer, frozen=True):
    """How good the predictions of a model were, by version and window, from outcomes."""

    model_name: str
    live: str | None
    complete_until: date | None
    unknown_outcomes: int | None
    alert: bool
    versions: tuple[VersionQuality, ...]
    advice: tuple[str, ...]
    """What is missing, and what to do about it."""


class Receipt(Answer, frozen=True):
    """How many outcomes were new, and which are odd."""

    model_name: str
    received: int
    stored: int
    unchanged: int
    replaced: int
    repeated: int
    contradictory: int
    late: int
    positions: dict[str, list[int]]
    """By kind the first odd rows: from 0 in a list, row numbers of a table, whose header is row 1."""


class Complete(Answer, frozen=True):
    """Until when all leavers are reported."""

    model_name: str
    complete_until: date
