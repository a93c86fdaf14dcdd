"""URLs of the application's own routes, with the prefix at which the application is mounted."""

from churn_api.web.core.request_record import current_request


def route_template(endpoint: str) -> str:
    """The URL rule of an endpoint, for texts: `/churn/api/v1/models/<model>`.

    An endpoint with several rules has the shortest returned. For links with known arguments use Flask's `url_for`.
    """
    shortest = min((rule.rule for rule in current_request().app.url_map.iter_rules(endpoint)), key=len)
    return mount_prefix() + shortest


def mount_prefix() -> str:
    """SCRIPT_NAME of the current request, decoded; empty where the application is mounted at the root."""
    script: str = current_request().environ.get("SCRIPT_NAME", "")
    return script.encode("latin-1").decode(errors="replace").rstrip("/")
