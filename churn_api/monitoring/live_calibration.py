"""Whether a version's probabilities are right on average today, which every forecast of money rests on."""

from datetime import UTC, datetime, timedelta

import msgspec

from churn_api.monitoring.live_figures import Estimate
from churn_api.monitoring.quality_store import read_days
from churn_api.monitoring.quality_windows import Source, quality_windows
from churn_api.serving.call_list_options import CallListTotals, Deviation
from churn_api.store.database import Database

DAYS = 400
"""How far back the latest window is looked for."""


def live_calibration(database: Database, model: str, version: str) -> Estimate | None:
    """The share that left less the mean probability, in the latest month with enough outcomes; None where none has.

    Of customers whom the company did not call. Raises DatabaseAway.
    """
    since = datetime.now(UTC).date() - timedelta(days=DAYS)
    with database.reading() as connection:
        windows = quality_windows(read_days(connection, model, since), None)
    measured = [one.quality.figures for one in windows.get(Source(version, "live", contacted=False), [])]
    return next((figures.calibration for figures in reversed(measured) if figures is not None), None)


def is_off(calibration: Estimate | None) -> bool:
    """Whether probabilities are wrong by more than chance: two standard deviations."""
    return calibration is not None and not calibration.low <= 0 <= calibration.high


def checked_totals(database: Database, model: str, version: str, totals: CallListTotals) -> CallListTotals:
    """What a call list amounts to, without amounts where probabilities are off. Raises DatabaseAway."""
    calibration = live_calibration(database, model, version)
    if calibration is None:
        return totals
    checked = msgspec.structs.replace(totals, calibration=Deviation(*calibration))
    return checked.withheld() if is_off(calibration) else checked
