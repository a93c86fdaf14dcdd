"""Removes client data from gunicorn's log records."""

import logging

LOGGER = "gunicorn.error"
_INVALID = "Invalid request from ip="
_FAILED = "Error handling request"


def without_client_data(record: logging.LogRecord) -> logging.LogRecord:
    """A gunicorn record without the bytes and the address of the client; other records are unchanged."""
    if record.name == LOGGER and isinstance(record.msg, str):
        if record.msg.startswith(_INVALID):
            record.msg = record.msg.partition(": ")[0]
        elif is_request_error(record):
            record.msg, record.args = _FAILED, ()
    return record


def is_request_error(record: logging.LogRecord) -> bool:
    """Whether a record reports a request that failed outside the application."""
    return record.name == LOGGER and isinstance(record.msg, str) and record.msg.startswith(_FAILED)
