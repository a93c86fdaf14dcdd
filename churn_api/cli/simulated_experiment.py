"""An experiment of the demonstration: another version has been the shadow of the live one for a month."""

from datetime import datetime

from sqlalchemy import update

from churn_api.registry.bundle import bundle_digests
from churn_api.registry.card import Card
from churn_api.registry.catalog import Conflict
from churn_api.registry.management import Unusable
from churn_api.services import Services
from churn_api.store.monitoring_tables import EXPERIMENTS


def start_shadow(services: Services, live: Card, began: datetime, *, by: str) -> str | None:
    """Put the newest other version into the shadow of the live one, as of a past moment, and count its answers.

    Returns the version; None where there is none, or none that reads what the live one reads. Raises DatabaseAway.
    """
    others = [version for version in bundle_digests(services.models_dir)[live.name] if version != live.version]
    if not others:
        return None
    try:
        services.management.register(f"{live.name}/{others[-1]}", by=by)
        started = services.experiment_management.start(live.name, others[-1], "shadow", 0, by=by)
    except (Unusable, Conflict):
        return None
    with services.database.transaction() as connection:
        connection.execute(update(EXPERIMENTS).where(EXPERIMENTS.c.id == started.id).values(started_at=began))
    services.data_plane.observe_experiments(services.monitoring.experiment_counter)
    return others[-1]
