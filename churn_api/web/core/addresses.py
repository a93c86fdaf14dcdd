"""Addresses as clients of this very application send them: with the prefix of the place where it is mounted."""

from flask import current_app, request


def address(endpoint: str) -> str:
    """The address of an endpoint's route, its arguments in angle brackets, for texts: `/churn/api/v1/models/<model>`.

    Of several routes the shortest. Links, whose arguments are known, are made by Flask's `url_for`.
    """
    shortest = min((rule.rule for rule in current_app.url_map.iter_rules(endpoint)), key=len)
    return mounted_at() + shortest


def mounted_at() -> str:
    """The prefix of the place where the application is mounted; empty at the root of its host."""
    return request.root_path.rstrip("/")
