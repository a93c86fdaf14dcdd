"""`churn-api score`, as used in a shell."""

import csv
import gzip
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders import customers
from click.testing import CliRunner
from table_files import READ, WRITE

from churn_api.app import create_app
from churn_api.cli import main
from churn_api.tables import read_result, text_blocks
from churn_api.tables.formats import FORMATS

COMMAND = str(Path(sys.executable).with_name("churn-api"))
TABLE = customers(300, seed=2)
TEXT = TABLE.to_csv(index=False)
BAD = TEXT.replace("C00003,", "C00003,s3cret", 1).replace("One year", "hush", 1)
MANY_ROWS = 240_000
"""More than two blocks of CSV."""


@pytest.fixture(autouse=True)
def here(models_dir, tmp_path, monkeypatch):
    """A working folder with a good table and a bad one."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    monkeypatch.setenv("CHURN_DEFAULT_MODEL", "small")
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(TEXT)
    Path("bad.csv").write_text(BAD)
    return tmp_path


def score(*arguments, **options):
    return CliRunner().invoke(main, ["score", *arguments], **options)


def files():
    return {path.name for path in Path().iterdir()} - {"good.csv", "bad.csv"}


def refused(*arguments):
    """The error text of a refused command, which writes nothing and shows no traceback."""
    before = files()
    done = score(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert files() == before
    return done.stderr


@pytest.fixture
def service_result(models_dir):
    """Ask the service to score TABLE, as CSV."""
    settings = {"MODELS_DIR": str(models_dir), "MAX_BATCH_ROWS": 1000, "DEFAULT_MODEL": "small"}
    client = create_app(settings).test_client()
    return lambda query="": (
        client.post(f"/api/v1/batch-predict{query}", data=TEXT.encode(), content_type="text/csv", buffered=True).data
    )


def test_equals_the_service(service_result):
    """The result equals the service's response byte for byte, and the number of rows is printed."""
    done = score("good.csv", "-o", "scored.csv")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "300 rows -> scored.csv\n")
    assert Path("scored.csv").read_bytes() == service_result()
    assert files() == {"scored.csv"}


def test_options(service_result):
    """Version, threshold and `--keep` have the effect that they have in the service."""
    chosen = ("--version", "1", "--threshold", "0.9", "--keep", "Region,tenure", "--model", "small")
    assert score("good.csv", *chosen).stdout_bytes == service_result("?version=1&threshold=0.9&keep=Region,tenure")
    assert score("good.csv", "--keep", "all").stdout_bytes == service_result("?keep=all")
    assert service_result("?version=1&threshold=0.9") != service_result()


def test_pipes(service_result):
    """`-` reads stdin, plain or gzipped; the result goes to stdout and messages to stderr."""
    for sent in (TEXT.encode(), gzip.compress(TEXT.encode())):
        done = subprocess.run([COMMAND, "score", "-"], input=sent, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, service_result(), b"300 rows\n")


def test_closed_pipe():
    """Where the reader of the result closes the pipe, the command says so in one line."""
    with subprocess.Popen(
        [COMMAND, "score", "good.csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == "Error: the reader of the result closed the pipe before its end\n"
    assert process.returncode == 2


@pytest.mark.parametrize("wanted", FORMATS)
def test_formats_out(service_result, wanted):
    """The output's format follows from its name or from --to; the scores are the same in all formats."""
    output = f"scored{FORMATS[wanted].suffix}"
    assert score("good.csv", "-o", output).exit_code == 0
    data = Path(output).read_bytes()
    assert READ[wanted](data) == READ["csv"](service_result())
    assert score("good.csv", "--to", wanted).stdout_bytes == data


@pytest.mark.parametrize("sent", FORMATS)
def test_formats_in(service_result, sent):
    """The table's format follows from its name or from --from."""
    table = f"table{FORMATS[sent].suffix}"
    Path(table).write_bytes(WRITE[sent](TABLE))
    Path("table.bin").write_bytes(WRITE[sent](TABLE))
    for arguments in ([table], ["table.bin", "--from", sent]):
        assert score(*arguments, "--to", "csv").stdout_bytes == service_result()


def test_gzip(service_result):
    """A name that ends in .gz is read and written gzipped, with the same bytes each time."""
    Path("good.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    for name in ("one.csv.gz", "two.csv.gz"):
        assert score("good.csv.gz", "-o", name).exit_code == 0
    assert gzip.decompress(Path("one.csv.gz").read_bytes()) == service_result()
    assert Path("one.csv.gz").read_bytes() == Path("two.csv.gz").read_bytes()


def test_bad_rows_refuse():
    """By default bad rows fail the command: they are printed with row, column and what to do, without their values."""
    message = refused("bad.csv", "-o", "scored.csv")
    assert "row 5, column 'tenure': Must be an integer." in message
    assert "column 'Contract': Must be one of: Month-to-month, One year, Two year." in message
    assert "2 of the first 300 rows are not valid" in message
    assert "--on-error skip" in message
    assert "s3cret" not in message
    assert "hush" not in message


def test_only_a_few_are_shown():
    """Of many bad rows the first twenty are printed, and how to get all."""
    Path("bad.csv").write_text(TEXT.replace(",Yes,", ",perhaps,"))
    message = refused("bad.csv", "-o", "scored.csv")
    assert len(re.findall("^row ", message, re.MULTILINE)) == 20
    assert "--errors FILE lists all" in message


def test_skip():
    """With --on-error skip the result is written, bad rows have no scores, and the exit code is 3."""
    done = score("bad.csv", "--on-error", "skip", "--errors", "faults.ndjson", "-o", "scored.csv")
    assert (done.exit_code, done.stderr) == (3, "300 rows, 2 without scores -> scored.csv\n")
    rows = list(csv.DictReader(Path("scored.csv").read_text().splitlines()))
    empty = [number for number, row in enumerate(rows, 2) if not row["churn_probability"]]
    faults = [json.loads(line) for line in Path("faults.ndjson").read_text().splitlines()]
    assert sorted(fault["row"] for fault in faults) == empty
    assert {fault["column"] for fault in faults} == {"tenure", "Contract"}


def test_errors_of_a_refused_table():
    """Where the table is refused, only the file of faults is written."""
    done = score("bad.csv", "-o", "scored.csv", "--errors", "faults.ndjson")
    assert (done.exit_code, "faults.ndjson lists their faults" in done.stderr) == (2, True)
    assert files() == {"faults.ndjson"}
    assert len(Path("faults.ndjson").read_text().splitlines()) == 2


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_more_errors_than_are_held(monkeypatch, on_error):
    """A file that could not hold all faults of a block ends with a count of the others."""
    monkeypatch.setattr(read_result, "MAX_BLOCK_FAULTS", 10)
    Path("bad.csv").write_text(TEXT.replace(",Yes,", ",perhaps,"))
    bad = TEXT.count(",Yes,")
    score("bad.csv", "-o", "scored.csv", "--errors", "faults.ndjson", "--on-error", on_error, "--processes", "1")
    *faults, last = map(json.loads, Path("faults.ndjson").read_text().splitlines())
    assert (len(faults), last) == (10, {"more_errors": bad - 10})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.csv"], "nothing.csv: No such file or directory"),
        (["good.csv", "--model", "smal"], "Did you mean 'small'?"),
        (["good.csv", "--model", "zzzzzz"], "It holds default, odd, small: name one of them."),
        (["good.csv", "--version", "9"], "'small' has no version 9; it has 1, 2"),
        (["good.csv", "--keep", "Regoin"], "keep: Name 1 is no column of the table. Did you mean 'Region'?"),
        (["good.csv", "-o", "good.csv"], "good.csv would replace a file"),
        (["good.csv", "-o", "./../{here}/good.csv"], "would replace a file"),
        (["good.csv", "-o", "out.csv", "--errors", "out.csv"], "out.csv would replace a file"),
        (["good.csv", "-o", "nowhere/out.csv"], "there is no folder nowhere"),
        (["good.csv", "-o", "."], ". is a folder"),
        (["."], "has no known suffix: add --from"),
        (["good.csv", "-o", "out.xls"], f"out.xls has no known suffix: add --to {', '.join(FORMATS)}"),
        (["good.csv", "--threshold", "2"], "--threshold"),
        (["good.csv", "--threshold", "nan"], "--threshold"),
        (["good.csv", "--from", "parquet"], "good.csv is not a complete Parquet file"),
    ],
)
def test_refusals(here, arguments, message):
    """Errors end with code 2 and a reason, and write nothing."""
    arguments = [argument.replace("{here}", here.name) for argument in arguments]
    output = [] if "-o" in arguments else ["-o", "scored.csv"]
    assert message in refused(*arguments, *output)


BROKEN = {
    "empty": (b"", "table.csv is empty"),
    "a misspelt column": (TEXT.replace("tenure", "Tenur").encode(), "required. Column 2 is unknown: did you"),
    "latin-1 in its header": ("é".encode("latin-1") + TEXT.encode(), "save it as CSV UTF-8"),
    "latin-1": (TEXT.replace("C00001", "C\xe9").encode("latin-1"), "table.csv, line 3: not UTF-8"),
    "an open quote": (TEXT.replace("C00299", '"C00299').encode(), "table.csv, line 301: a quote is opened"),
    "half a gzip": (gzip.compress(TEXT.encode())[:-9], "table.csv is not a complete gzip file"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_tables(data, message):
    """A malformed table is refused with its name, the line if known, and what to do."""
    Path("table.csv").write_bytes(data)
    assert message in refused("table.csv", "-o", "scored.csv")


def test_devices_and_pipes(service_result):
    """A result for a pipe or a device goes into it: it stays what it is, with -o and with a link to it."""
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with subprocess.Popen([COMMAND, "score", "good.csv", "-o", name, "--from", "csv", "--to", "csv"]) as process:
            assert Path("pipe").read_bytes() == service_result()
        assert process.returncode == 0
    assert Path("pipe").is_fifo()
    assert Path("link").is_symlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root could replace a device")
def test_null_device():
    """Root's `-o /dev/null` leaves the device: a file in its place would take in what every program throws away."""
    os.mknod("null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    assert score("good.csv", "-o", "null", "--to", "csv").exit_code == 0
    assert Path("null").is_char_device()


def test_a_link_to_a_result(service_result):
    """A link stays, and the file that it leads to has the result."""
    Path("real.csv").touch()
    Path("link.csv").symlink_to("real.csv")
    assert score("good.csv", "-o", "link.csv").exit_code == 0
    assert Path("link.csv").is_symlink()
    assert Path("real.csv").read_bytes() == service_result()


def test_an_older_result_stays():
    """The result of an earlier run is unchanged where the table is refused."""
    Path("scored.csv").write_text("of yesterday")
    refused("bad.csv", "-o", "scored.csv")
    assert Path("scored.csv").read_text() == "of yesterday"


def test_no_models(monkeypatch):
    """Without any models the command says what to do."""
    monkeypatch.setenv("CHURN_MODELS_DIR", "nowhere")
    assert "churn-api train --help" in refused("good.csv")


def test_live_version(service_result, instance):
    """The live version is used; without a database the newest."""
    assert CliRunner().invoke(main, ["models", "live", "small", "1"]).exit_code == 0
    assert score("good.csv").stdout_bytes == service_result("?version=1")
    (instance / "churn.db").unlink()
    assert score("good.csv").stdout_bytes == service_result("?version=2")
    assert not (instance / "churn.db").exists()


def test_database_away(monkeypatch):
    """With the database away a warning is printed, and the newest version is used."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")
    done = score("good.csv", "-o", "scored.csv")
    assert done.exit_code == 0
    assert "The newest version is used" in done.stderr


def test_no_rows():
    """A table without rows gives a header, and no error."""
    Path("empty.csv").write_text(TEXT.splitlines()[0] + "\n")
    assert score("empty.csv").stdout == "customer_id,churn_prediction,churn_probability,risk_band\n"


def test_unseen_categories():
    """Categories of an open feature that training did not see are counted and reported."""
    Path("good.csv").write_text(TEXT.replace("North", "Atlantis"))
    count = int((TABLE["Region"] == "North").sum())
    assert f"column 'Region': {count} cells hold categories that training did not see" in score("good.csv").stderr


def test_numbers_outside_training():
    """Numbers far outside the range that training saw are counted by column and reported."""
    Path("good.csv").write_text(TABLE.assign(tenure=[900, *TABLE["tenure"][1:]]).to_csv(index=False))
    assert score("good.csv").stderr.endswith("column 'tenure': 1 cell far outside the range that training saw\n")


@pytest.fixture
def many(here):
    """A table of more than two blocks."""
    header, *rows = TEXT.splitlines(keepends=True)
    Path("many.csv").write_text(header + "".join(rows) * (MANY_ROWS // len(rows)))
    assert Path("many.csv").stat().st_size > 2 * text_blocks.TEXT_BYTES
    return "many.csv"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_processes(many, suffix):
    """Two processes write the same bytes as one."""
    for processes in ("1", "2"):
        done = subprocess.run(
            [COMMAND, "score", many, "-o", f"{processes}.{suffix}", "--processes", processes], timeout=300
        )
        assert done.returncode == 0
    assert Path(f"1.{suffix}").read_bytes() == Path(f"2.{suffix}").read_bytes()


LOADED = """
import sys
from churn_api.cli import main
try:
    main(["score", "many.csv", "-o", "out.parquet", "--processes", "2"])
finally:
    print({"onnxruntime", "pandas"} & set(sys.modules))
"""


def test_parent_loads_no_scoring_libraries(many):
    """With several processes the command itself loads neither ONNX Runtime nor pandas."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "set()\n")


def test_a_bad_row_in_a_later_block(many):
    """A bad row in a later block is reported with its row in the complete file, and no earlier block is written."""
    with Path(many).open("a") as file:
        file.write("C1,long,,Yes,One year,,\n")
    done = subprocess.run([COMMAND, "score", many, "-o", "out.csv"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert f"row {MANY_ROWS + 2}, column 'tenure'" in done.stderr
    assert files() == {many}


@contextmanager
def started(table, *options, **environment):
    """Run the command in its own process group, as a shell does."""
    command = [COMMAND, "score", table, "-o", "out.csv", *options]
    environment = os.environ | environment
    with subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_take_ctrl_c,  # noqa: PLW1509
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _take_ctrl_c():
    """Processes in the background ignore SIGINT, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def scorers(process):
    """The scoring processes of a command."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_interrupted(many, number, processes, tmp_path_factory):
    """SIGINT and SIGTERM end it with code 1; no file stays in the folder or in the temporary folder."""
    temporary = tmp_path_factory.mktemp("temporary")
    with started(many, "--processes", processes, TMPDIR=str(temporary)) as process:
        wait_for(lambda: list(Path().glob(".*.unfinished")))
        os.killpg(process.pid, number)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.strip()) == (1, "Aborted!")
    assert files() == {many}
    assert not list(temporary.iterdir())


def test_interrupted_while_processes_start(many):
    """Ctrl-C while the processes start ends them without output."""
    with started(many, "--processes", "2") as process:
        wait_for(lambda: scorers(process))
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.strip()) == (1, "Aborted!")
    assert files() == {many}


def test_killed_process(many):
    """Where a scoring process is killed, the command says so in one line, and writes nothing."""
    with started(many, "--processes", "2") as process:
        wait_for(lambda: scorers(process))
        os.kill(scorers(process)[0], signal.SIGKILL)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (2, "Error: a process that scored was killed\n")
    assert files() == {many}


def test_progress_lines(many, monkeypatch):
    """Where stderr is not a terminal, a long run prints its progress in lines."""
    monkeypatch.setattr("churn_api.cli.row_progress.LINE_EVERY_SECONDS", 0)
    done = score(many, "-o", "out.csv", "--processes", "1")
    lines = done.stderr.splitlines()
    assert all(re.fullmatch(r"[0-9]+ %, [0-9,]+ rows, [0-9,]+ rows/s", line) for line in lines[:-1])
    assert len(lines) > 3
    assert lines[-2].startswith(f"100 %, {MANY_ROWS:,} rows")


def on_a_terminal(*command):
    """Run a command in a terminal; return its output and its exit code."""
    terminal, its_end = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stdout=its_end, stderr=its_end, env=environment)
    os.close(its_end)
    shown = b""
    deadline = time.monotonic() + 120
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 65536)
            elif process.poll() is not None:
                break
    except OSError:  # the end of a terminal
        pass
    finally:
        os.close(terminal)
    return shown.decode(), process.wait(timeout=30)


def test_a_bar_on_a_terminal(many):
    """On a terminal a bar shows per cent, rows, their rate and the time left."""
    shown, code = on_a_terminal(COMMAND, "score", many, "-o", "out.csv")
    assert code == 0
    assert "100%" in shown
    assert re.search(r"[0-9,]+ rows, [0-9,]+ rows/s", shown)
    assert "left" in shown
    assert f"{MANY_ROWS:,} rows -> out.csv" in shown


def test_no_binary_on_a_terminal():
    """Parquet is not written to a terminal."""
    shown, code = on_a_terminal(COMMAND, "score", "good.csv", "--to", "parquet")
    assert (code, "name a file with -o" in shown, "PAR1" in shown) == (2, True, False)


def test_help():
    """The help shows examples and what the exit codes mean."""
    shown = score("--help").stdout
    assert "churn-api score customers.csv -o scored.csv\n" in shown
    assert "Exit codes:" in shown
