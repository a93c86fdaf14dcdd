"""PostgreSQL: an engine with client-side timeouts that also works through PgBouncer.

TCP does not detect a server or proxy that accepts data and never answers: its kernel still acknowledges. And
`statement_timeout` is enforced by the server. So every wait has a deadline in the client.
"""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext

from churn_api.store.database_errors import sqlstate_of
from churn_api.store.wait_limit import WaitLimit

CONNECT_SECONDS = 2
"""The minimum that psycopg accepts."""
SERVER_SHARE = 0.75
"""The server's share of the timeout: it then reports the timeout itself."""
ABANDONED_SECONDS = 10
"""How long the server keeps the locks of a transaction whose client machine is gone."""
READ_ONLY = "25006"

_POLL_SECONDS = 0.1

_CONNECT_ARGS: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    # Without it the kernel retries for a quarter of an hour when the server's machine is gone.
    "tcp_user_timeout": CONNECT_SECONDS * 1000,
    # PgBouncer may run the next transaction on another server connection, which lacks the prepared statements.
    "prepare_threshold": None,
    # Transactions are begun explicitly, by _begin_with.
    "autocommit": True,
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits no longer than its limit for an answer, and closes itself on a timeout."""

    limit = WaitLimit(CONNECT_SECONDS)

    def wait(self, gen: PQGen[RV], interval: float = _POLL_SECONDS, timeout: float | None = None) -> RV:
        """Overrides psycopg.Connection.wait, which every statement and every commit or rollback calls."""
        seconds = self.limit.seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, seconds)
        except errors._WaitTimeout:  # noqa: SLF001
            self.limit.exceeded = True
            # A late answer would be taken for the answer to the next statement.
            self.pgconn.finish()
            raise _timed_out(seconds) from None


def postgres_engine(url: URL, limit: WaitLimit, *, pool_seconds: float) -> Engine:
    """An engine whose connections obey the limit, and whose pool waits `pool_seconds` for a free connection."""
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=2,
        pool_recycle=1800,
        pool_timeout=pool_seconds,
        connect_args=_CONNECT_ARGS,
        use_native_hstore=False,  # SQLAlchemy would query for it on every first connection
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", _connect_with(limit))
    event.listen(engine, "begin", _begin_with(limit))
    event.listen(engine, "handle_error", _leave_read_only)
    return engine


def _connect_with(limit: WaitLimit) -> Callable[..., BoundedConnection]:
    def connect(dialect: Any, record: Any, arguments: Any, options: Any) -> BoundedConnection:
        if limit.exceeded:
            raise _timed_out(limit.seconds)
        connection = BoundedConnection.connect(*arguments, **options)
        connection.limit = limit
        return connection

    return connect


def _begin_with(limit: WaitLimit) -> Callable[[Connection], None]:
    """Set the timeouts for each transaction: those of a session would stay with PgBouncer's server connection.

    Connection `options` do not work either: PgBouncer rejects them.
    """

    def begin(connection: Connection) -> None:
        statement = int(limit.seconds * SERVER_SHARE * 1000)
        connection.exec_driver_sql(
            f"BEGIN; SET LOCAL statement_timeout = {statement}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {ABANDONED_SECONDS * 1000}"
        )

    return begin


def _leave_read_only(context: ExceptionContext) -> None:
    """Drop all connections to a read-only server: the next ones may lead to one that accepts writes."""
    if sqlstate_of(context.original_exception) == READ_ONLY:
        context.is_disconnect = True


def _timed_out(seconds: float) -> psycopg.OperationalError:
    return psycopg.OperationalError(f"no answer within {seconds:g} s")
