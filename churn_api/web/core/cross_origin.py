"""Which pages of other origins may call the API: those that are configured, and no other."""

from flask import Flask
from flask_cors import CORS

from churn_api.web import API_V1

READABLE = ["X-Request-ID", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Location"]
"""Headers of answers that such a page may read."""


def init_app(app: Flask) -> None:
    """Answer the configured origins' preflights, and let their pages read answers. Others get no header at all."""
    origins = app.config["CORS_ORIGINS"]
    if origins:
        CORS(app, origins=origins, resources=f"{API_V1}/*", expose_headers=READABLE, max_age=600, send_wildcard=False)
