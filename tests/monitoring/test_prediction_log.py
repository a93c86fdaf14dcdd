"""What clients are answered is in the log, by whichever protocol, and with LOG_PREDICTIONS=off nothing is."""

import json

import pyarrow.parquet
import pytest
from builders import CUSTOMER, customers

from churn_api.app import create_app
from churn_api.monitoring.logged_predictions import logged_days
from churn_api.web.core.app_services import services_of
from churn_api.web.core.in_process_api import close

COLUMNS = ("request_id", "row", "customer", "version", "variant", "probability", "threshold", "churn")


@pytest.fixture
def logging_app(models_dir):
    """An application with a choice of LOG_PREDICTIONS, and its client."""
    made = []

    def make(mode):
        app = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "LOG_PREDICTIONS": mode})
        made.append(app)
        return app, app.test_client()

    yield make
    for app in made:
        close(app)


def logged(app, *columns):
    """The rows of the log, compacted, in order of request and position."""
    services = services_of(app)
    services.monitoring.prediction_log.close()
    services.monitoring.log_maintenance.run()
    days = list(logged_days(services.monitoring.log_folder, services.database, "small", columns or COLUMNS))
    return sorted(row for day in days for row in zip(*day.table.to_pydict().values(), strict=True))


def post(client, route, body, request_id, **options):
    headers = {"X-Request-ID": request_id, **options.pop("headers", {})}
    response = client.post(route, headers=headers, **({"json": body} if body is not None else {}), **options)
    assert response.status_code == 200, response.get_data(as_text=True)
    response.close()  # of a table: its temporary file
    return response


def test_a_record(logging_app):
    """A single prediction is one row: its request, its customer's key, its version, probability and threshold."""
    app, client = logging_app("answers")
    answer = post(client, "/api/v1/predict/small?threshold=0.25", CUSTOMER, "one").json
    (row,) = logged(app)
    key = services_of(app).monitoring.customer_keys.key("C1")
    assert row[:5] == ("one", 0, key, "2", "live")
    assert row[5] == pytest.approx(answer["churn_probability"])
    assert row[6:] == (0.25, bool(answer["churn_prediction"]))


def test_a_batch_with_bad_records(logging_app):
    """In a batch each valid customer has the position at which it was sent; bad ones are not there."""
    app, client = logging_app("answers")
    sent = [CUSTOMER, {"tenure": "many"}, CUSTOMER | {"customer_id": 7}]
    post(client, "/api/v1/batch-predict/small?on_error=skip", {"customers": sent}, "many")
    keys = services_of(app).monitoring.customer_keys
    assert logged(app, "request_id", "row", "customer") == [("many", 0, keys.key("C1")), ("many", 2, keys.key(7))]


@pytest.mark.parametrize("mode", ["answers", "records"])
def test_a_table_with_bad_rows(logging_app, mode):
    """An uploaded table is logged with the positions of its valid rows, and with features where they are logged."""
    app, client = logging_app(mode)
    lines = customers(5).drop(columns="Churn").to_csv(index=False).splitlines()
    lines[2] = lines[2].replace(lines[2].split(",")[1], "x", 1)
    table = "\n".join(lines).encode()
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    post(client, "/api/v1/batch-predict/small?on_error=skip", None, "table", data=table, headers=headers)
    assert [row for (row,) in logged(app, "row")] == [0, 2, 3, 4]


def test_other_protocols(logging_app):
    """Other systems' protocols are logged as this API's own, under the id of their request."""
    app, client = logging_app("answers")
    record = {name: value for name, value in CUSTOMER.items() if name != "customer_id"}
    post(client, "/v1/models/small:predict", {"instances": [record]}, "kserve")
    assert [row[:3] for row in logged(app)] == [("kserve", 0, None)]


def test_features(logging_app):
    """With LOG_PREDICTIONS=records the log has each feature by its name, as the client sent it."""
    app, client = logging_app("records")
    post(client, "/api/v1/predict/small", CUSTOMER, "one")
    logged(app)
    (part,) = services_of(app).monitoring.log_folder.days("small")[0].parts()
    (record,) = pyarrow.parquet.read_table(part, columns=["record"], partitioning=None).column(0).to_pylist()
    sent = {name: value for name, value in CUSTOMER.items() if name != "customer_id"}
    assert {name: record[name] for name in sent} == sent


def test_off(logging_app, instance):
    """With LOG_PREDICTIONS=off no file is written, and maintenance makes no folder."""
    app, client = logging_app("off")
    post(client, "/api/v1/predict/small", CUSTOMER, "one")
    services = services_of(app)
    assert services.monitoring.prediction_log is None
    assert services.monitoring.log_maintenance.run() == (0, 0, 0)
    assert not (instance / "prediction-log").exists()


def test_no_identifier_is_stored(logging_app, instance):
    """No file of the log has the identifier of a customer, before compaction or after it."""
    app, client = logging_app("records")
    sent = [CUSTOMER | {"customer_id": f"very-personal-{number}"} for number in range(3)]
    post(client, "/api/v1/batch-predict/small", {"customers": sent}, "many")
    for _ in range(2):
        files = [path.read_bytes() for path in (instance / "prediction-log").rglob("*") if path.is_file()]
        assert files
        assert not any(b"very-personal" in data for data in files)
        logged(app)


def test_what_is_refused_is_not_logged(logging_app):
    """A request that gets an error instead of an answer is not in the log."""
    app, client = logging_app("answers")
    assert client.post("/api/v1/predict/small", json={"tenure": "x"}).status_code == 422
    bad = json.dumps({"customers": [CUSTOMER, {}]})
    assert client.post("/api/v1/batch-predict/small", data=bad, content_type="application/json").status_code == 422
    assert logged(app) == []
