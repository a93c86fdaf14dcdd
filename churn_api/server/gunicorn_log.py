"""gunicorn's logger without an access log, which the application writes."""

from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class ServerLog(Logger):  # type: ignore[misc]
    """Skips the access log. Given a logging configuration, gunicorn would format a line that is not written."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write nothing."""
