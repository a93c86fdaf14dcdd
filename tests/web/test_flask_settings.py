"""Flask's settings have their usual effect, or are refused by name."""

import pytest
from builders import CUSTOMER
from flask import Flask

from churn_api.app import create_app
from churn_api.config import StartError
from churn_api.settings import SETTINGS
from churn_api.web.core.flask_app import flask_settings

PREDICT = "/api/v1/predict/small"
OURS = {setting.name for setting in SETTINGS}


def test_trusted_hosts(models_dir):
    """TRUSTED_HOSTS refuses other hosts, with a problem that does not repeat the name."""
    client = create_app({"MODELS_DIR": str(models_dir), "TRUSTED_HOSTS": ["api.example.org"]}).test_client()
    for _ in range(2):
        assert client.post(PREDICT, json=CUSTOMER, headers={"Host": "api.example.org"}).status_code == 200
        refused = client.post(PREDICT, json=CUSTOMER, headers={"Host": "evil.example.net"})
        assert (refused.status_code, refused.json["code"]) == (400, "bad-request")
        assert "evil" not in refused.text


def test_server_name(models_dir):
    """SERVER_NAME is the host of URLs that are built outside a request."""
    app = create_app({"MODELS_DIR": str(models_dir), "SERVER_NAME": "api.example.org"})
    with app.app_context():
        assert app.url_for("predict.predict", _external=True) == "http://api.example.org/api/v1/predict"
    assert app.test_client().post(PREDICT, json=CUSTOMER).status_code == 200


@pytest.mark.parametrize("name", sorted(Flask.default_config.keys() - OURS - flask_settings({})))
def test_without_effect(models_dir, name):
    """A Flask setting without effect here is refused by name, not ignored."""
    with pytest.raises(StartError, match=f"^{name} is a setting of Flask's that has no effect here"):
        create_app({"MODELS_DIR": str(models_dir), name: None})
