"""Spans, sent to a collector on loopback that decodes them."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from builders import CUSTOMER
from conftest import ROOT
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from churn_api.config import ConfigError, load_settings

PREDICT = "/api/v1/predict/small"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Receives spans, and stores them with the name of the service that sent them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths, self.services, self.spans = [], [], []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        for resource in sent.resource_spans:
            self.server.services.append(values(resource.resource.attributes)["service.name"])
            self.server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments): ...


@pytest.fixture
def collector():
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


def values(attributes):
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}


def ask(server, number, flags="01", path=PREDICT, **options):
    headers = {"X-Request-ID": f"asked-{number}", "traceparent": f"00-{TRACE}-{SPAN}-{flags}"}
    return requests.post(server.url + path, headers=headers, timeout=30, **options)


def test_spans(serve, models_dir, collector):
    """Every request of every worker has a span below its caller's, which the worker exports before it exits."""
    with serve(models_dir, workers=2, CHURN_OTLP_ENDPOINT=collector.url) as server:
        for number in range(20):
            assert ask(server, number, json=CUSTOMER).status_code == 200
        lines = [server.line_of(f"asked-{number}") for number in range(20)]
        assert {line["pid"] for line in lines} <= set(server.workers())
    spans = {values(span.attributes)["churn.request_id"]: span for span in collector.spans}
    assert set(collector.services) == {"churn-api"}
    assert set(collector.paths) == {"/v1/traces"}
    for number, line in enumerate(lines):
        span = spans[f"asked-{number}"]
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
        assert (line["trace_id"], line["span_id"], line["parent_id"]) == (TRACE, span.span_id.hex(), SPAN)
        assert (span.name, span.kind) == ("POST /api/v1/predict/<model>", span.SPAN_KIND_SERVER)
        assert span.end_time_unix_nano > span.start_time_unix_nano
        attributes = values(span.attributes)
        assert (attributes["http.request.method"], attributes["http.response.status_code"]) == ("POST", 200)
        assert (attributes["http.route"], attributes["churn.model"], attributes["churn.model.version"]) == (
            "/api/v1/predict/<model>",
            "small",
            "2",
        )


def test_span_attributes(serve, models_dir, collector):
    """A request without a trace starts one; unmatched paths and a client's values are not exported."""
    with serve(models_dir, workers=1, CHURN_OTLP_ENDPOINT=collector.url) as server:
        answer = requests.get(f"{server.url}/Hidden-4711?Hidden-4711", headers={"traceparent": "00-Hidden"}, timeout=30)
        line = server.line_of(answer.headers["X-Request-ID"])
        ask(server, "bad", json=CUSTOMER | {"tenure": "Hidden-4711"})
    first, second = collector.spans
    assert (first.name, first.parent_span_id, first.status.code) == ("GET", b"", 0)
    assert (line["trace_id"], line["span_id"]) == (first.trace_id.hex(), first.span_id.hex())
    assert "parent_id" not in line
    assert values(second.attributes)["churn.problem"] == "validation-failed"
    assert not [span for span in collector.spans if "Hidden" in str(span)]


def test_errors(serve, tmp_path, collector):
    """The span of a failed request has the error status and the error type."""
    with serve(tmp_path / "nowhere", workers=1, CHURN_OTLP_ENDPOINT=collector.url) as server:
        assert ask(server, 1, path="/api/v1/predict", json=CUSTOMER).status_code == 503
    (span,) = collector.spans
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert values(span.attributes)["error.type"] == "503"


def test_a_caller_that_does_not_record(serve, models_dir, collector):
    """Where the caller does not sample its trace, no span is exported; the log still has the ids."""
    with serve(models_dir, workers=1, CHURN_OTLP_ENDPOINT=collector.url) as server:
        ask(server, "unrecorded", flags="00", json=CUSTOMER)
        ask(server, "recorded", json=CUSTOMER)
        assert server.line_of("asked-unrecorded")["trace_id"] == TRACE
    assert [values(span.attributes)["churn.request_id"] for span in collector.spans] == ["asked-recorded"]


def test_collector_away(serve, models_dir):
    """Without its collector the service works and stops as usual, and logs once that spans are lost."""
    away = "http://user:hunter2@127.0.0.1:9"
    with serve(models_dir, workers=1, CHURN_OTLP_ENDPOINT=away, OTEL_BSP_SCHEDULE_DELAY="100") as server:
        for number in range(50):
            assert ask(server, number, json=CUSTOMER).status_code == 200
        server.line_of("asked-49")
    levels = [line["level"] for line in server.lines if "does not accept spans" in line["event"]]
    assert levels == ["warning"]
    assert not [line for line in server.lines if line.get("logger", "").startswith(("opentelemetry", "urllib3"))]
    assert "hunter2" not in server.log


def test_without_the_libraries(models_dir, tmp_path):
    """Without the tracing libraries a service with a collector does not start, and one line says what to install."""
    (tmp_path / "opentelemetry.py").write_text("raise ModuleNotFoundError('not installed')")
    settings = {"CHURN_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(tmp_path), "PORT": "0"}
    command = [Path(sys.executable).with_name("gunicorn"), "wsgi:app"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "churn-api: CHURN_OTLP_ENDPOINT needs the otel extra: pip install 'churn-api[otel]'\n"


def test_not_loaded_by_itself(models_dir):
    """Without a collector nothing of OpenTelemetry is loaded."""
    code = (
        "import sys; from churn_api.app import create_app\n"
        f"create_app({{'MODELS_DIR': {str(models_dir)!r}}})\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_bad_address():
    """An endpoint that is not a URL is refused at the start."""
    with pytest.raises(ConfigError, match="OTLP_ENDPOINT: Must be an address"):
        load_settings({"OTLP_ENDPOINT": "collector:4318"})
