"""gunicorn's own log."""

from gunicorn.config import Config

from churn_api.server.gunicorn_log import ServerLog


def test_no_line_for_a_request():
    """A request is not taken apart for a line of gunicorn's, though there is a configuration of logging."""
    config = Config()
    config.set("logconfig_dict", {"version": 1, "disable_existing_loggers": False})
    # None of these is a request: reading an attribute would fail.
    ServerLog(config).access(None, None, None, None)
