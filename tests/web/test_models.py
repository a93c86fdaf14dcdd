import json


def test_list(client):
    """The list has each model's versions, the live one, and which model is the default."""
    assert client.get("/api/v1/models").json == {
        "models": [
            {"name": "default", "versions": ["1"], "live": "1", "generation": 1, "ready": True, "default": True},
            {"name": "odd", "versions": ["1"], "live": "1", "generation": 1, "ready": True, "default": False},
            {"name": "small", "versions": ["1", "2"], "live": "2", "generation": 1, "ready": True, "default": False},
        ],
        "count": 3,
    }


def test_show(client):
    """A model shows its signature, metrics, policy and parity, and no golden rows."""
    shown = client.get("/api/v1/models/small").json
    assert shown["live"] == "2"
    assert shown["signature"]["features"][0]["name"] == "tenure"
    assert shown["metrics"]["candidates"]["boosting"]["roc_auc"]["mean"] > 0.6
    assert shown["parity"]["proven"] is True
    assert "golden" not in json.dumps(shown)


def test_signature_can_be_trained_with(client, tmp_path):
    """The signature in a model's response can be passed to `churn-api train --signature`."""
    from churn_api.contract.signature import Signature

    shown = client.get("/api/v1/models/small").json["signature"]
    assert Signature.from_json(json.dumps(shown)).identifier == "customerID"
