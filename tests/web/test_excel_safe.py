"""CSV results for spreadsheets: with `csv=excel-safe`, text that begins like a formula is marked as text."""

import csv
import io
from pathlib import Path

import pytest
from builders import CUSTOMER
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.telemetry.job_metrics import JobMetrics
from churn_api.web.core.app_services import services_of

ROUTE = "/api/v1/batch-predict/small"
PLAIN = ["C1", "-1.5", "+4915112345", "a=b", "1e-5", "'quoted"]
FORMULAS = ["=1+1", "+1+1", "-1-1", "@SUM(A1)", '=HYPERLINK("http://e.example","x")', "-"]
NAME = "=note"


@pytest.fixture
def table():
    """A table with values that begin like formulas and like numbers."""
    text = io.StringIO()
    rows = [CUSTOMER | {"customer_id": one, NAME: f"\t{one}"} for one in PLAIN + FORMULAS]
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def rows_of(text):
    header, *rows = csv.reader(io.StringIO(text))
    return header, [row[0] for row in rows], [row[1] for row in rows]


def check_safe(text):
    header, identifiers, notes = rows_of(text)
    assert header[:2] == ["customer_id", f"'{NAME}"]
    assert identifiers == PLAIN + [f"'{one}" for one in FORMULAS]
    assert notes == [f"'\t{one}" for one in PLAIN + FORMULAS]


def check_plain(text):
    header, identifiers, notes = rows_of(text)
    assert header[:2] == ["customer_id", NAME]
    assert identifiers == PLAIN + FORMULAS
    assert notes == [f"\t{one}" for one in PLAIN + FORMULAS]


def post(client, data, query):
    with client.post(f"{ROUTE}?keep={NAME}{query}", data=data, content_type="text/csv") as answer:
        assert answer.status_code == 200, answer.text
        return answer.text


def test_batch(client, table):
    """A CSV response has text unchanged; with `csv=excel-safe` values and column names are marked as text."""
    check_plain(post(client, table, ""))
    check_safe(post(client, table, "&csv=excel-safe"))


def test_batch_of_json(client):
    """The CSV response to a JSON body is marked too; other formats have a text type and are not."""
    body = {"customers": [CUSTOMER | {"customer_id": one} for one in FORMULAS]}
    with client.post(f"{ROUTE}?csv=excel-safe", json=body, headers={"Accept": "text/csv"}) as answer:
        assert rows_of(answer.text)[1] == [f"'{one}" for one in FORMULAS]
    with client.post(f"{ROUTE}?csv=excel-safe", json=body, headers={"Accept": "application/x-ndjson"}) as lines:
        assert '"=1+1"' in lines.text
    assert client.post(f"{ROUTE}?csv=safe", json=body).json["errors"][0]["parameter"] == "csv"


def test_job(client, table):
    """A job's CSV result is marked where the job's query has `csv=excel-safe`."""
    services = services_of(client.application)
    form = {"model": "small", "keep": NAME}
    for query, check in (("", check_plain), ("?csv=excel-safe", check_safe)):
        made = client.post(f"/api/v1/jobs{query}", data=form | {"file": (io.BytesIO(table), "customers.csv")})
        services.jobs.worker(JobMetrics()).work(services.jobs.queue.claim("test"))
        with client.get(f"{made.headers['Location']}/result") as result:
            check(result.text)


def test_command(table, models_dir, tmp_path):
    """`churn-api score --csv excel-safe` writes the same."""
    (tmp_path / "customers.csv").write_bytes(table)
    for options, check in (([], check_plain), (["--csv", "excel-safe"], check_safe)):
        words = ["score", str(tmp_path / "customers.csv"), "-o", str(tmp_path / "scored.csv"), "--model", "small"]
        environment = {"CHURN_MODELS_DIR": str(models_dir)}
        done = CliRunner().invoke(main, [*words, "--keep", NAME, "--processes", "1", *options], env=environment)
        assert done.exit_code == 0, done.stderr
        check(Path(tmp_path / "scored.csv").read_text())
