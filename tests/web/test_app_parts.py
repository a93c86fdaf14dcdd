"""The parts of an application can be registered in any order."""

from itertools import permutations

import pytest
from builders import CUSTOMER

from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.web import API_V1
from churn_api.web.core import admission, app_services, cors, draining, error_handlers, wsgi_middleware
from churn_api.web.core.flask_app import Api
from churn_api.web.v1 import predict, token

ORIGIN = "https://app.example.org"
PARTS = {
    "services": app_services.attach_services,
    "wsgi_middleware": lambda app, _: wsgi_middleware.init_app(app),
    "admission": admission.init_app,
    "draining": lambda app, _: draining.init_app(app),
    "error_handlers": lambda app, _: error_handlers.init_app(app),
    "cors": lambda app, _: cors.init_app(app),
    "routes": lambda app, _: [app.register_blueprint(m.blueprint, url_prefix=API_V1) for m in (predict, token)],
}
ORDERS = [order for number, order in enumerate(permutations(PARTS)) if number % 500 == 0]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_any_order(models_dir, make_key, order):
    """An application behaves the same in whatever order its parts are registered."""
    settings = {"MODELS_DIR": str(models_dir), "AUTH": "required", "RATELIMIT_ENABLED": True, "CORS_ORIGINS": [ORIGIN]}
    app = Api("tried")
    app.config.from_mapping(load_settings(settings | {"RATELIMIT_PREDICT": "2/minute"}))
    services = Services(app.config)
    services.open()
    for part in order:
        PARTS[part](app, services)
    client, key = app.test_client(), {"X-API-Key": make_key("predict"), "Origin": ORIGIN}
    closed = client.post(f"{API_V1}/predict/small", json=CUSTOMER)
    assert (closed.status_code, closed.mimetype) == (401, "application/problem+json")
    assert closed.headers["X-Request-ID"] == closed.json["request_id"]
    answers = [client.post(f"{API_V1}/predict/small", json=CUSTOMER, headers=key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in answers} == {ORIGIN}
