"""gunicorn's log, without a line for each request: the application writes that."""

from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class ServerLog(Logger):  # type: ignore[misc]
    """Takes no request apart. Given a logging configuration, gunicorn's own does, for a line that nobody reads."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write nothing."""
