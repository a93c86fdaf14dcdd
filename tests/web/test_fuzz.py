"""Whatever a client sends, it gets a success or a problem, never a 500."""

import orjson
import pytest
from builders import CUSTOMER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_api.web.core.problems import KINDS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
NEARLY = st.dictionaries(st.sampled_from([*CUSTOMER, "customerID", "Region"]) | st.text(max_size=3), JSON, max_size=7)
BODIES = JSON | NEARLY.map(CUSTOMER.__or__) | st.lists(NEARLY | JSON).map(lambda rows: {"customers": rows})
QUERIES = st.dictionaries(
    st.sampled_from(["threshold", "version", "on_error", "layout"]) | st.text(max_size=3),
    st.sampled_from(["0.5", "1", "2", "skip", "columns"]) | st.text(max_size=5),
    max_size=3,
)
FUZZED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_answer_or_problem(response):
    assert response.status_code < 500
    if response.status_code == 200:
        assert response.content_type == "application/json"
        assert "predictions" in response.json or "churn_probability" in response.json
        return
    assert response.content_type == "application/problem+json"
    assert KINDS[response.json["code"]].status == response.status_code
    assert response.status_code != 422 or response.json["errors"]


@pytest.mark.parametrize("route", ["/api/v1/predict/small", "/api/v1/batch-predict/small"])
@FUZZED
@given(body=BODIES, query=QUERIES)
def test_any_json(client, route, body, query):
    """Any JSON with any query is answered or refused as a problem."""
    assert_answer_or_problem(
        client.post(route, query_string=query, data=orjson.dumps(body), content_type="application/json")
    )


@pytest.mark.parametrize("route", ["/api/v1/predict/small", "/api/v1/batch-predict/small"])
@FUZZED
@given(body=st.binary(max_size=200), content_type=st.sampled_from(["application/json", "text/plain", 'a/b;c="d']))
def test_any_bytes(client, route, body, content_type):
    """Any bytes under any type are answered or refused as a problem."""
    assert_answer_or_problem(client.post(route, data=body, content_type=content_type))
