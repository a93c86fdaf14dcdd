"""PostgreSQL: an engine that no silent server holds up, and that works through PgBouncer too.

A server, or a proxy before it, that takes what it is sent and says nothing is not noticed by TCP: its kernel goes on
acknowledging. Nor does `statement_timeout` help, which is the server's. So the deadline is the connection's own.
"""

from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext

from churn_api.store.database_errors import sqlstate_of
from churn_api.store.wait_limit import WaitLimit

CONNECT_SECONDS = 2
"""The least that psycopg takes."""
SERVER_SHARE = 0.75
"""Of how long an answer is waited for, what the server has: it then says itself that it took too long."""
ABANDONED_SECONDS = 10
"""How long the server keeps the locks of a transaction whose machine is gone."""
READ_ONLY = "25006"

_LOOK_SECONDS = 0.1


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits for an answer no longer than its limit, and is closed when none came."""

    limit = WaitLimit(CONNECT_SECONDS)

    def wait(self, gen: PQGen[RV], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> RV:
        """See psycopg.Connection: every statement, and the end of every transaction, passes through here."""
        seconds = self.limit.seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, seconds)
        except errors._WaitTimeout:  # noqa: SLF001
            self.limit.exceeded = True
            # What the server may still say would be taken for the answer to the next statement.
            self.pgconn.finish()
            raise _silent(seconds) from None


def postgres_engine(url: URL, limit: WaitLimit, *, pool_seconds: float) -> Engine:
    """An engine whose connections are bounded by a limit, and that waits so long for one that is free."""
    connecting: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        # Of a machine that is gone the kernel's own retries go on for a quarter of an hour.
        "tcp_user_timeout": CONNECT_SECONDS * 1000,
        # In a pool of PgBouncer's, the next transaction may have another server connection, which knows no statement of
        # this one's.
        "prepare_threshold": None,
        # `_begin` begins transactions.
        "autocommit": True,
    }
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=2,
        pool_recycle=1800,
        pool_timeout=pool_seconds,
        connect_args=connecting,
        use_native_hstore=False,  # it would be looked for at every first connection
        hide_parameters=True,
    )

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, options: Any) -> BoundedConnection:
        if limit.exceeded:
            raise _silent(limit.seconds)
        connection = BoundedConnection.connect(*arguments, **options)
        connection.limit = limit
        return connection

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        """Limits for this transaction alone: those of a session would stay with PgBouncer's connection.

        And no `options` when connecting, which PgBouncer refuses.
        """
        statement = int(limit.seconds * SERVER_SHARE * 1000)
        connection.exec_driver_sql(
            f"BEGIN; SET LOCAL statement_timeout = {statement}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {ABANDONED_SECONDS * 1000}"
        )

    @event.listens_for(engine, "handle_error")
    def leave_read_only(context: ExceptionContext) -> None:
        """Drop all connections to a server that takes no writes: the next ones may lead to one that does."""
        if sqlstate_of(context.original_exception) == READ_ONLY:
            context.is_disconnect = True

    return engine


def _silent(seconds: float) -> psycopg.OperationalError:
    return psycopg.OperationalError(f"no answer within {seconds:g} s")
