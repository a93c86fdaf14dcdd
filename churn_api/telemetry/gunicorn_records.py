"""What gunicorn's log lines quote of a client, taken out of them."""

import logging

LOGGER = "gunicorn.error"
_INVALID = "Invalid request from ip="
_BROKE = "Error handling request"


def without_client_data(record: logging.LogRecord) -> logging.LogRecord:
    """A record of gunicorn's without the bytes or the address that a client sent; any other as it is."""
    if record.name == LOGGER and isinstance(record.msg, str):
        if record.msg.startswith(_INVALID):
            record.msg = record.msg.partition(": ")[0]
        elif is_request_error(record):
            record.msg, record.args = _BROKE, ()
    return record


def is_request_error(record: logging.LogRecord) -> bool:
    """Whether a record tells of a request that broke beyond the application."""
    return record.name == LOGGER and isinstance(record.msg, str) and record.msg.startswith(_BROKE)
