"""Tables that do not say themselves how to read them: --encoding, --skip-rows and --sheet, in every command and job."""

import io
import json

import joblib
import pandas as pd
import pytest
from builders import customers, feature, signature
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from churn_api.app import create_app
from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.telemetry.job_metrics import JobMetrics
from churn_api.web.core.app_services import services_of

ROWS = customers(120, seed=4).assign(customerID=[f"Zoë {number}" for number in range(120)])
TEXT = ROWS.to_csv(index=False)


def workbook():
    sink = io.BytesIO()
    with pd.ExcelWriter(sink) as writer:
        pd.DataFrame({"notes": ["see May"]}).to_excel(writer, sheet_name="Cover", index=False)
        ROWS.to_excel(writer, sheet_name="May", index=False, startrow=1)
    return sink.getvalue()


FILES = [
    ("latin.csv", TEXT.encode("latin-1"), {"encoding": "latin-1"}),
    ("utf16.csv", TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    ("title.csv", f"Customers of May\n\n{TEXT}".encode(), {"skip_rows": "2"}),
    ("book.xlsx", workbook(), {"sheet": "May", "skip_rows": "1"}),
]


@pytest.fixture(autouse=True)
def here(models_dir, tmp_path, monkeypatch):
    """A working folder with the tables, and the same as plain CSV."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    monkeypatch.chdir(tmp_path)
    for name, data, _ in FILES:
        (tmp_path / name).write_bytes(data)
    (tmp_path / "plain.csv").write_text(TEXT)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def flags(fields):
    return [part for name, value in fields.items() for part in (f"--{name.replace('_', '-')}", value)]


def scored():
    return run("score", "plain.csv", "--model", "small", "--to", "csv").stdout_bytes


@pytest.mark.parametrize(("name", "data", "fields"), FILES)
def test_score(name, data, fields):
    """`score` gives the rows of the same table as plain CSV; without the options it refuses the file."""
    done = run("score", name, "--model", "small", "--to", "csv", *flags(fields))
    assert (done.exit_code, done.stdout_bytes) == (0, scored())
    assert run("score", name, "--model", "small", "--to", "csv").exit_code == 2


@pytest.mark.parametrize(("name", "data", "fields"), FILES)
def test_job(models_dir, name, data, fields):
    """A job with the same fields gives the same rows; without them it fails with a reason."""
    app = create_app({"MODELS_DIR": str(models_dir), "TESTING": True})
    client, services = app.test_client(), services_of(app)

    def finished(**more):
        form = {"model": "small", "result_format": "csv", "file": (io.BytesIO(data), name)} | more
        queued = client.post("/api/v1/jobs", data=form)
        services.jobs.worker(JobMetrics()).work(services.jobs.queue.claim("test"))
        return client.get(queued.headers["Location"]).json

    job = finished(**fields)
    assert job["state"] == "succeeded", job
    assert client.get(job["links"]["result"], buffered=True).data == scored()
    failed = finished()
    assert (failed["state"], failed["reason"]["code"]) == (
        "failed",
        "malformed-table" if ".csv" in name else "validation-failed",
    ), failed


@pytest.mark.parametrize(("name", "data", "fields"), FILES)
def test_golden_table(here, monkeypatch, name, data, fields):
    """`package --golden` measures on the table what it measures on plain CSV."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(here / "models"))
    pipeline = LogisticRegression().fit(ROWS[["tenure"]], ROWS["Churn"])
    joblib.dump(pipeline, "model.joblib")
    declared = signature(feature("tenure", required=True, nullable=False))
    (here / "signature.json").write_bytes(declared.to_json())
    for file, options in (("plain.csv", []), (name, flags(fields))):
        done = run("package", "model.joblib", "--signature", "signature.json", "--golden", file, *options)
        assert done.exit_code == 0, done.stderr
    first, second = (read_card(here / "models" / "default" / version) for version in "12")
    assert first.metrics == second.metrics


@pytest.mark.parametrize(("name", "data", "fields"), FILES)
def test_compare(name, data, fields):
    """`models compare --on` measures on the table what it measures on plain CSV."""
    compared = [
        json.loads(run("models", "compare", "small", "1", "2", "--json", "--on", file, *options).stdout)
        for file, options in (("plain.csv", []), (name, flags(fields)))
    ]
    assert compared[0] == compared[1]


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        (("models", "compare", "small", "1", "2"), "--on"),
        (("package", "m.joblib", "--signature", "s.json"), "--golden"),
    ],
)
def test_options_without_their_table(command, needed):
    """Options about a table that is not given are refused."""
    done = run(*command, "--skip-rows", "2")
    assert done.exit_code == 2
    assert f"--skip-rows says how to read the table of {needed}, which is not given" in done.stderr


def test_remarks(here):
    """What was assumed about a table's file is printed, and is in the card and the JSON of a package."""
    (here / "semicolons.csv").write_text(ROWS.to_csv(index=False, sep=";"))
    done = run("models", "compare", "small", "1", "2", "--on", "semicolons.csv")
    assert "semicolons.csv has semicolons between its columns: read so" in done.stderr


def test_label_of_neither_class(here):
    """A golden table's label that is none of the signature's is refused with its row."""
    (here / "odd.csv").write_text(TEXT.replace(",Yes\n", ",Maybe\n", 1))
    row = next(row for row, line in enumerate(TEXT.splitlines(), start=1) if line.endswith(",Yes"))
    done = run("models", "compare", "small", "1", "2", "--on", "odd.csv")
    assert done.exit_code == 2
    assert f"row {row}: target 'Churn' is neither 'Yes' nor 'No'" in done.stderr
