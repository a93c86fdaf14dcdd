import pytest
from builders import CUSTOMER

from churn_api.app import create_app

ROUTE = "/api/v1/batch-predict/small"
BAD = CUSTOMER | {"tenure": "x", "Contract": "y"}


def batch(client, customers, query=""):
    return client.post(ROUTE + query, json={"customers": customers})


def numbered(count):
    return [CUSTOMER | {"customer_id": number, "tenure": number} for number in range(count)]


def test_order_and_shape(client):
    """A batch has one prediction for each customer, in order, and the model's metadata."""
    response = batch(client, numbered(5))
    assert response.status_code == 200
    assert list(response.json) == [
        "predictions", "count", "threshold", "model_name", "model_version", "inference_time_ms", "timestamp",
        "request_id",
    ]  # fmt: skip
    assert [row["customer_id"] for row in response.json["predictions"]] == [0, 1, 2, 3, 4]
    assert response.json["count"] == 5
    assert set(response.json["predictions"][0]) == {
        "customer_id", "churn_prediction", "churn_probability", "risk_band",
    }  # fmt: skip


def test_batch_equals_singles(client):
    """A customer gets the same probability in a batch as alone."""
    together = [row["churn_probability"] for row in batch(client, numbered(20)).json["predictions"]]
    alone = [client.post("/api/v1/predict/small", json=row).json["churn_probability"] for row in numbered(20)]
    assert together == alone


def test_columns(client):
    """`layout=columns` returns the same predictions as one list for each field."""
    rows = batch(client, numbered(3)).json["predictions"]
    columns = batch(client, numbered(3), "?layout=columns").json["predictions"]
    assert columns == {name: [row[name] for row in rows] for name in rows[0]}


def test_fail_lists_every_fault(client):
    """By default one bad row fails the batch, and every fault of every bad row is listed with a pointer."""
    response = batch(client, [CUSTOMER, BAD, CUSTOMER, "nobody"])
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json["errors"]] == [
        "#/customers/1/tenure",
        "#/customers/1/Contract",
        "#/customers/3",
    ]
    assert "predictions" not in response.json


def test_skip(client):
    """`on_error=skip` scores the good rows; a bad row has null, and its faults are listed."""
    response = batch(client, [CUSTOMER, BAD, CUSTOMER], "?on_error=skip")
    assert response.status_code == 200
    first, bad, last = response.json["predictions"]
    assert first == last
    assert bad is None
    assert [error["pointer"] for error in response.json["errors"]] == ["#/customers/1/tenure", "#/customers/1/Contract"]
    assert response.json["count"] == 3


def test_skip_in_columns(client):
    """With `layout=columns`, a bad row has null in every list."""
    answer = batch(client, [BAD, CUSTOMER], "?on_error=skip&layout=columns").json["predictions"]
    assert all(values[0] is None and values[1] is not None for values in answer.values())


@pytest.mark.parametrize("version", ["1", "2"])
def test_skip_all(client, version):
    """A batch with bad rows only returns nulls."""
    response = batch(client, [BAD, BAD], f"?on_error=skip&version={version}")
    assert response.json["predictions"] == [None, None]


def test_warnings_name_the_row(client):
    """An unseen category of an open feature is named with its row."""
    answer = batch(client, [CUSTOMER, CUSTOMER | {"Region": "Atlantis"}]).json
    assert [warning["pointer"] for warning in answer["warnings"]] == ["#/customers/1/Region"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/customers"),
        ({"customers": []}, "#/customers"),
        ({"customers": {}}, "#/customers"),
        ({"customers": None}, "#/customers"),
        ([CUSTOMER], "#"),
        (CUSTOMER, "#/customers"),
        ({"customers": [CUSTOMER], "customer": 1}, "#/customer"),
    ],
)
def test_bodies_that_are_no_batch(client, body, pointer):
    """A body that holds no list of customers, or an empty one, is 422 and says where."""
    response = client.post(ROUTE, json=body)
    assert response.status_code == 422
    assert pointer in [error["pointer"] for error in response.json["errors"]]


def test_limit(models_dir):
    """A batch at the limit is answered; one customer more is 413 and names the limit."""
    client = create_app({"MODELS_DIR": str(models_dir), "MAX_BATCH_ROWS": 3}).test_client()
    assert batch(client, numbered(3)).status_code == 200
    response = batch(client, numbered(4))
    assert response.status_code == 413
    assert (response.json["code"], response.json["limit"]) == ("too-large", 3)
