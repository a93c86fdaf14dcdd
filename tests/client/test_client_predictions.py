"""The client's predictions, synchronous and asynchronous, by a real server."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import requests
from builders import CUSTOMER, customers
from called_clients import KINDS, RudeProxy, client_of
from conftest import serving

from churn_client import Client, ErrorResponse, InvalidRequest

CONTAINERS = {
    "list": lambda frame: frame.astype(object).where(frame.notna(), None).to_dict("records"),
    "frame": lambda frame: frame,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}
ROWS = 90


@pytest.fixture(scope="module")
def server(models_dir, database_of_models, tmp_path_factory):
    """A server whose batches hold 40 customers."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "churn.db").write_bytes(database_of_models.read_bytes())
    settings = {"INSTANCE_DIR": folder, "AUTH": "open", "RATELIMIT_ENABLED": 0, "MAX_BATCH_ROWS": 40}
    environment = {f"CHURN_{name}": str(value) for name, value in settings.items()}
    with serving(models_dir, folder / "log", **environment) as server:
        yield server


@pytest.fixture(params=KINDS)
def client(request, server):
    with client_of(request.param, server.url, rows_per_request=40) as client:
        yield client


@pytest.fixture(scope="module")
def frame():
    """Valid customers, with an index of their own."""
    table = customers(ROWS).drop(columns="Churn")
    return table.set_index(pd.Index(range(1000, 1000 + ROWS)))


def probabilities(predictions):
    if isinstance(predictions, list):
        return [prediction.churn_probability for prediction in predictions]
    return (
        predictions["churn_probability"].to_pylist()
        if isinstance(predictions, pa.Table)
        else [*predictions["churn_probability"]]
    )


def test_one(client, server):
    """A prediction has the members of the response, and the same double."""
    shown = requests.post(f"{server.url}/api/v1/predict/small?reasons=2", json=CUSTOMER, timeout=30).json()
    prediction = client.predict(CUSTOMER, model="small", reasons=2)
    for name in set(shown) - {"inference_time_ms", "timestamp", "request_id", "reasons"}:
        assert getattr(prediction, name) == shown[name], name
    assert [reason.contribution for reason in prediction.reasons] == [one["contribution"] for one in shown["reasons"]]
    assert server.line_of(prediction.request_id)["status"] == 200


def test_options(client):
    """A threshold, a version and a number of changes are the service's to apply."""
    prediction = client.predict(CUSTOMER, model="small", version=1, threshold=0.0, what_if=2)
    assert (prediction.model_version, prediction.threshold, prediction.churn_prediction) == ("1", 0.0, 1)
    assert prediction.reasons == ()


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_missing_values(client, missing):
    """Whatever a program has for a missing value is one, and NumPy's scalars are numbers."""
    without = client.predict(
        {name: value for name, value in CUSTOMER.items() if name != "MonthlyCharges"}, model="small"
    )
    record = CUSTOMER | {"MonthlyCharges": missing, "tenure": np.int64(5), "Partner": np.bool_(True)}
    assert client.predict(record, model="small").churn_probability == without.churn_probability


def test_infinity_is_named(client):
    """A number that JSON cannot hold is refused with the place where it is, before anything is sent."""
    rows = [CUSTOMER, CUSTOMER | {"MonthlyCharges": float("inf")}]
    with pytest.raises(ValueError, match="record 1, field 'MonthlyCharges': infinity"):
        client.predict_many(rows, model="small")


def test_all_faults(client, server):
    """An error has every fault with its place, the status, the code, and the id under which the log has the request."""
    with pytest.raises(InvalidRequest, match="4 fields are not valid: #/tenure Must be an integer") as raised:
        client.predict({"tenure": "5", "Contract": "One yaer", "tnure": 1}, model="small")
    error = raised.value
    assert (error.status, error.code) == (422, "validation-failed")
    assert {fault.pointer for fault in error.faults} == {"#/Contract", "#/tenure", "#/tnure", "#/Partner"}
    assert next(fault.hint for fault in error.faults if fault.pointer == "#/Contract") == "Did you mean 'One year'?"
    assert server.line_of(error.request_id)["status"] == 422


def test_errors_can_be_pickled(client):
    """An exception crosses processes with its members."""
    with pytest.raises(InvalidRequest) as raised:
        client.predict({}, model="small")
    error = pickle.loads(pickle.dumps(raised.value))  # noqa: S301
    assert (str(error), error.faults, error.request_id) == (
        str(raised.value),
        raised.value.faults,
        raised.value.request_id,
    )


@pytest.mark.parametrize("container", CONTAINERS)
def test_many(client, frame, container):
    """Lists, DataFrames and Arrow tables of several requests get the doubles of single predictions, in order."""
    predictions = client.predict_many(CONTAINERS[container](frame), model="small")
    assert len(predictions) == ROWS
    records = CONTAINERS["list"](frame)
    alone = [client.predict(records[row], model="small").churn_probability for row in (0, 39, 40, ROWS - 1)]
    assert [probabilities(predictions)[row] for row in (0, 39, 40, ROWS - 1)] == alone


def test_a_list_has_all_of_each_prediction(client, frame):
    """A prediction of a list has the identifier, the reasons and the warnings of its own customer."""
    records = CONTAINERS["list"](frame)
    records[41] |= {"Region": "Atlantis"}
    predictions = client.predict_many(records, model="small", reasons=1, version=2)
    assert [prediction.customer_id for prediction in predictions] == [*frame["customerID"]]
    assert {prediction.model_version for prediction in predictions} == {"2"}
    assert all(len(prediction.reasons) == 1 for prediction in predictions)
    warned = {row: prediction.warnings for row, prediction in enumerate(predictions) if prediction.warnings}
    assert {row: [(one.code, one.pointer) for one in warnings] for row, warnings in warned.items()} == {
        41: [("unseen-category", "#/Region")]
    }


def test_a_frame_joins(client, frame):
    """A DataFrame's predictions have its index, and one warning counts the cells that training did not see."""
    odd = frame.assign(Region=frame["Region"].mask(frame.index == 1041, "Atlantis"))
    with pytest.warns(UserWarning, match="1 cell with a category that training did not see"):
        scored = odd.join(client.predict_many(odd, model="small", version=2, reasons=1))
    assert scored["churn_probability"].between(0, 1).all()
    assert scored["reason_1"].notna().all()


@pytest.mark.parametrize("container", CONTAINERS)
def test_faults_of_many(client, frame, container):
    """The faults of all requests are raised at once, and each points to the caller's own row."""
    bad = frame.assign(tenure=frame["tenure"].astype(float), Contract=frame["Contract"].astype(object))
    bad.iloc[41, bad.columns.get_loc("tenure")] = 3.5
    bad.iloc[[2, 85], bad.columns.get_loc("Contract")] = "never"
    with pytest.raises(InvalidRequest, match="3 fields are not valid: #/2/Contract") as raised:
        client.predict_many(CONTAINERS[container](bad), model="small")
    assert [(fault.position, fault.pointer) for fault in raised.value.faults] == [
        (2, "#/2/Contract"),
        (41, "#/41/tenure"),
        (85, "#/85/Contract"),
    ]


@pytest.mark.parametrize("container", ["frame", "arrow"])
def test_a_fault_of_the_table(client, frame, container):
    """A fault of the table, rather than of a row, is reported once."""
    with pytest.raises(InvalidRequest) as raised:
        client.predict_many(CONTAINERS[container](frame.drop(columns="tenure")), model="small")
    assert [(fault.pointer, fault.position) for fault in raised.value.faults] == [("#/tenure", None)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_lower_limit(server, frame, kind, container):
    """Where the service takes fewer customers than the client sends, the client sends fewer."""
    with client_of(kind, server.url) as client:
        predictions = client.predict_many(CONTAINERS[container](frame), model="small")
        assert len(predictions) == ROWS
        with pytest.raises(InvalidRequest) as raised:
            client.predict_many([*CONTAINERS["list"](frame), {}], model="small")
    assert {fault.position for fault in raised.value.faults} == {ROWS}


def test_columns_of_mixed_types(client, frame):
    """A DataFrame's column of numbers and text is read as a file's is; one of anything else is named."""
    mixed = frame.astype({"tenure": object})
    mixed.iloc[3, mixed.columns.get_loc("tenure")] = str(mixed["tenure"].iloc[3])
    same = client.predict_many(mixed, model="small")
    assert probabilities(same) == probabilities(client.predict_many(frame, model="small"))
    mixed.iloc[4, mixed.columns.get_loc("tenure")] = [1]
    with pytest.raises(TypeError, match="column 'tenure' holds what is neither"):
        client.predict_many(mixed, model="small")


def test_none(client, frame):
    """No customers are no predictions; a table without rows is the service's to refuse, and a mapping is no list."""
    assert client.predict_many([], model="small") == []
    with pytest.raises(ErrorResponse):
        client.predict_many(frame.head(0), model="small")
    with pytest.raises(TypeError, match="predict takes one mapping"):
        client.predict_many(CUSTOMER, model="small")


@pytest.mark.parametrize("kind", KINDS)
def test_one_version_answers_all(serve, models_dir, make_key, frame, kind):
    """A version that becomes live between two requests answers none of them."""
    with (
        serve(models_dir, workers=1, CHURN_MAX_BATCH_ROWS="40") as server,
        Client(server.url, make_key("models:write")) as operator,
    ):

        def swap(connections):
            if connections == 2:
                operator.models.make_live("small", 1)
            return False

        with (
            RudeProxy(server.port, swap) as proxy,
            client_of(kind, proxy.url, rows_per_request=30, parallel=1) as client,
        ):
            predictions = client.predict_many(CONTAINERS["list"](frame), model="small")
            assert proxy.count == 3
            assert {prediction.model_version for prediction in predictions} == {"2"}
            assert client.predict(CUSTOMER, model="small").model_version == "1"
