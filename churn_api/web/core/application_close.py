"""Cleanup of an application: connections, files and threads are closed when the application is closed."""

from collections.abc import Callable
from contextlib import ExitStack

from flask import Flask

_KEY = "churn_api_cleanup"


def on_close(app: Flask, close: Callable[[], object]) -> None:
    """Register a callback that runs when the application is closed, in reverse order of registration."""
    callbacks: ExitStack = app.extensions.setdefault(_KEY, ExitStack())
    callbacks.callback(close)


def close_all(app: Flask) -> None:
    """Run all callbacks. Calling it again does nothing."""
    callbacks: ExitStack = app.extensions[_KEY]
    callbacks.close()
