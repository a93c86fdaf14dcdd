"""Headers as real clients send them."""

import json

import pytest
from builders import CUSTOMER

PREDICT, BATCH, LIST = "/api/v1/predict/small", "/api/v1/batch-predict/small", "/api/v1/models"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
AXIOS = "application/json, text/plain, */*"
CSV = "customer_id,tenure,MonthlyCharges,Partner,Contract\nC1,5,70.5,Yes,One year\n"

ACCEPT = [
    (None, 200),
    ("", 200),
    ("*/*", 200),
    ("*", 200),
    ("application/json", 200),
    ("Application/JSON", 200),
    ("application/json; charset=utf-8", 200),
    ("application/json;charset=UTF-8", 200),
    ('application/json; charset="utf-8"; q=0.9', 200),
    ("application/json;odata.metadata=minimal", 200),
    ("application/*", 200),
    ("application/problem+json, application/json", 200),
    ("text/html, application/json;q=.5", 200),
    ("application/json;q=0.1, text/html;q=1.0", 200),
    (JAVA, 200),
    (BROWSER, 200),
    (AXIOS, 200),
    ("application/json, text/javascript, */*; q=0.01", 200),
    ("json", 200),  # no type at all: it says nothing
    (",;,", 200),
    ("text/html", 406),
    ("application/xml", 406),
    ("application/vnd.api+json", 406),
    ("application/json;q=0", 406),
    ("*/*;q=0", 406),
    ("application/json;q=0, */*", 406),
    ("image/*, text/html;q=.9", 406),
]

CONTENT_TYPE = [
    ("application/json", 200),
    ("Application/JSON", 200),
    ("application/json; charset=utf-8", 200),
    ("application/json;charset=UTF-8", 200),
    ('application/json; charset="utf-8"', 200),
    ("application/json;", 200),
    ("application/json ; version=1", 200),
    ("application/x-www-form-urlencoded", 415),
    ("text/plain;charset=UTF-8", 415),
    ("application/octet-stream", 415),
    ("application/vnd.api+json", 415),
    ("application/json-patch+json", 415),
    ("multipart/form-data; boundary=x", 415),
    ("json", 415),
    (None, 415),
]

TABLES = [
    (None, "text/csv"),
    ("*/*", "text/csv"),
    (JAVA, "text/csv"),
    (BROWSER, "text/csv"),
    ("text/csv; charset=utf-8", "text/csv"),
    ("text/csv; header=present", "text/csv"),
    ("text/*", "text/csv"),
    (AXIOS, "application/json"),
    ("application/json; charset=utf-8", "application/json"),
    ("text/csv;q=.5, application/json", "application/json"),
    ("application/x-ndjson; charset=utf-8", "application/x-ndjson"),
    ("text/html", None),
    ("text/csv;q=0, text/html", None),
]


@pytest.mark.parametrize(("accept", "status"), ACCEPT)
def test_accept(client, accept, status):
    """JSON is returned for every form of Accept that includes it, and 406 for any other."""
    headers = {} if accept is None else {"Accept": accept}
    assert client.post(PREDICT, json=CUSTOMER, headers=headers).status_code == status
    assert client.get(LIST, headers=headers).status_code == status


@pytest.mark.parametrize(("content_type", "status"), CONTENT_TYPE)
def test_content_type(client, content_type, status):
    """JSON is accepted with any media type parameters, and no other type is read as JSON."""
    assert client.post(PREDICT, data=json.dumps(CUSTOMER), content_type=content_type).status_code == status


@pytest.mark.parametrize(("accept", "media_type"), TABLES)
@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8; header=present", "Text/CSV"])
def test_tables(client, content_type, accept, media_type):
    """A table is returned as the most accepted type, and in its own format where that is accepted equally."""
    headers = {} if accept is None else {"Accept": accept}
    with client.post(BATCH, data=CSV, content_type=content_type, headers=headers) as answer:
        assert answer.status_code == (200 if media_type else 406)
        assert answer.mimetype == (media_type or "application/problem+json")


def test_byte_order_mark(client):
    """JSON with a byte order mark is a 400 that says to leave it out."""
    answer = client.post(PREDICT, data=b"\xef\xbb\xbf" + json.dumps(CUSTOMER).encode(), content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "malformed-json")
    assert "byte order mark" in answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "route", "body", "hint"),
    [
        ("POST", PREDICT, [CUSTOMER], "Send the object that the list holds, without the list."),
        (
            "PUT",
            "/api/v1/models/small/live",
            [{"version": "1"}],
            "Send the object that the list holds, without the list.",
        ),
        ("POST", BATCH, [CUSTOMER], 'Send the list as {"customers": […]}.'),
        ("POST", BATCH, {"customers": CUSTOMER}, "Send the customer in a list of one."),
        ("POST", PREDICT, [CUSTOMER, CUSTOMER], None),
        ("POST", PREDICT, "text", None),
    ],
)
def test_lists(client, method, route, body, hint):
    """A list in place of an object, or the other way round, gets a hint that says how to send it."""
    answer = client.open(route, method=method, json=body)
    assert answer.status_code == 422
    assert answer.json["errors"][0].get("hint") == hint


@pytest.mark.parametrize(
    ("method", "route", "status"),
    [("GET", "/health", 200), ("GET", "/nowhere", 404), ("POST", PREDICT, 200), ("GET", LIST, 200)],
)
def test_answers_end_a_line(client, method, route, status):
    """Every JSON response ends with a newline, so that a terminal's prompt starts on its own line."""
    answer = client.open(route, method=method, json=CUSTOMER)
    assert answer.status_code == status
    assert answer.data.endswith(b"}\n")


@pytest.mark.parametrize(
    "text", ["\N{ARABIC-INDIC DIGIT ONE}", "0.\N{DEVANAGARI DIGIT FIVE}", "1_0", "0x1", "½", "1e", "nan", "+", ""]
)
def test_digits(client, text):
    """Numbers in a query or a form must have ASCII digits; digits of other scripts are refused."""
    assert client.post(PREDICT, query_string={"threshold": text}, json=CUSTOMER).status_code == 422
    assert client.get("/api/v1/jobs", query_string={"limit": text}).status_code == 422


@pytest.mark.parametrize("text", ["0.5", "1", "+.5", "5e-1", " 0.5 ", "0."])
def test_plain_digits(client, text):
    """ASCII numbers are accepted in the usual notations."""
    assert client.post(PREDICT, query_string={"threshold": text}, json=CUSTOMER).status_code == 200


@pytest.mark.parametrize(
    ("method", "route"),
    [("POST", "/api/v1/predict/smal"), ("POST", "/api/v1/batch-predict/smal"), ("GET", "/api/v1/models/Small")],
)
def test_misspelt_model(client, method, route):
    """A misspelt model gets the one that was probably meant, and one that is like none gets no guess."""
    detail = client.open(route, method=method, json=CUSTOMER).json["detail"]
    assert detail.startswith("Did you mean 'small'? ")
    assert "Did you mean" not in client.get("/api/v1/models/nothing-alike").json["detail"]
