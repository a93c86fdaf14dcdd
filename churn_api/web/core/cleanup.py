"""What an application holds that outlives a request: connections, files, threads. They end when it is closed."""

from collections.abc import Callable
from contextlib import ExitStack

from flask import Flask

_KEY = "churn_api_closing"


def on_close(app: Flask, close: Callable[[], object]) -> None:
    """Have something closed with an application; what came last is closed first."""
    held: ExitStack = app.extensions.setdefault(_KEY, ExitStack())
    held.callback(close)


def close_all(app: Flask) -> None:
    """Close what an application holds, once however often this is asked."""
    held: ExitStack = app.extensions[_KEY]
    held.close()
