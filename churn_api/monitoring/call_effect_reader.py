"""The effect of calling, from call lists and outcomes in the database."""

from sqlalchemy import Connection, and_, case, exists, func, select

from churn_api.monitoring.call_effect import CallEffect, Group, call_effect
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import LISTED_CUSTOMERS, OUTCOMES, OUTCOMES_COMPLETE

_EARLIER = LISTED_CUSTOMERS.alias()


def measured_effect(database: Database, model: str) -> CallEffect:
    """The effect of calling on customers of the lists whose horizon has passed and whose leavers are all reported.

    A customer who is on a second list within the horizon of the first counts for the first alone: what was done for the
    first would change the second. Raises DatabaseAway.
    """
    with database.reading() as connection:
        groups = _groups(connection, model)
    return call_effect(groups[True], groups[False])


def _groups(connection: Connection, model: str) -> dict[bool, Group]:
    listed = LISTED_CUSTOMERS.c
    left = exists().where(
        OUTCOMES.c.model == listed.model,
        OUTCOMES.c.subject == listed.customer,
        OUTCOMES.c.left,
        OUTCOMES.c.replaced_at.is_(None),
        OUTCOMES.c.day > listed.listed_on,
        OUTCOMES.c.day <= listed.due,
    )
    on_a_list_before = exists().where(
        _EARLIER.c.model == listed.model,
        _EARLIER.c.customer == listed.customer,
        _EARLIER.c.listed_on < listed.listed_on,
        _EARLIER.c.due >= listed.listed_on,
    )
    complete = select(OUTCOMES_COMPLETE.c.until).where(OUTCOMES_COMPLETE.c.model == model).scalar_subquery()
    counts = (
        select(listed.called, func.count(), func.sum(case((left, 1), else_=0)))
        .where(and_(listed.model == model, listed.due <= complete, ~on_a_list_before))
        .group_by(listed.called)
    )
    groups = {called: Group(customers, int(leavers)) for called, customers, leavers in connection.execute(counts)}
    return {called: groups.get(called, Group(0, 0)) for called in (True, False)}
