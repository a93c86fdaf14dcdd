"""What jobs may read, and what they may not."""

import http.server
import threading
from contextlib import contextmanager

import pytest

from churn_api.jobs.files import JobFiles
from churn_api.jobs.sources import SourceError, Sources

TABLE = b"customerID,tenure\nC1,5\n"
PLENTY = 1 << 20


@pytest.fixture
def data(tmp_path):
    """A data folder with a table, and everything that a path may lead astray to."""
    folder = tmp_path / "data"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "table.csv").write_bytes(TABLE)
    (tmp_path / "secret.csv").write_bytes(b"secret")
    (tmp_path / "data-of-others").mkdir()
    (tmp_path / "data-of-others" / "table.csv").write_bytes(b"secret")
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "up").symlink_to(tmp_path)
    (folder / "inside.csv").symlink_to(folder / "in" / "table.csv")
    (folder / "loop").symlink_to(folder / "loop")
    return folder


@pytest.fixture
def files(tmp_path):
    files = JobFiles(tmp_path / "jobs", "one")
    files.begin()
    return files


def nothing():
    """A check that never raises."""


@pytest.mark.parametrize("source", ["in/table.csv", "./in/../in/table.csv", "inside.csv"])
def test_below_the_data_folder(data, files, source):
    """A file below the data folder is read, by a link inside it too, and once: later changes do not reach the job."""
    sources = Sources(data, [], PLENTY)
    sources.check(source)
    sources.fetch(source, files, nothing)
    (data / "in" / "table.csv").write_bytes(b"other")
    sources.fetch(source, files, nothing)
    assert files.input.read_bytes() == TABLE


@pytest.mark.parametrize(
    "source",
    [
        "../secret.csv",
        "in/../../secret.csv",
        "{outside}",
        "../data-of-others/table.csv",
        "out.csv",
        "up/secret.csv",
        "loop",
        "in",
        ".",
        "",
        "none.csv",
        "in/table.csv/x",
        "in/table.csv\0",
        "\0",
        "x" * 5000,
        "~/x.csv",
        "/dev/zero",
        "/proc/self/environ",
        "file:/etc/passwd",
    ],
)
def test_outside_the_data_folder(data, files, tmp_path, source):
    """Only a file below DATA_DIR is read, and the error contains no path."""
    source = source.format(outside=tmp_path / "secret.csv")
    sources = Sources(data, [], PLENTY)
    with pytest.raises(SourceError) as refused:
        sources.check(source)
    assert "/" not in str(refused.value)
    with pytest.raises(SourceError):
        sources.fetch(source, files, nothing)
    assert not files.input.exists()


def test_no_data_folder(files):
    """Where no data folder is set, a path is refused, and the refusal names the setting."""
    with pytest.raises(SourceError, match="DATA_DIR"):
        Sources(None, [], PLENTY).check("table.csv")


@pytest.mark.parametrize(
    "source",
    [
        "s3://other/in/table.csv",
        "s3://bucket/in",
        "s3://bucket/in-other/table.csv",
        "S3://bucket/in/table.csv",
        "s3://bucket/in/../secret.csv",
        "s3://bucket/in/%2e%2e/secret.csv",
        "s3://bucket/in/%2E./secret.csv",
        "s3://bucket/in/%2e%2e%2fsecret.csv",
        "s3://bucket/in/table.csv?endpoint_override=127.0.0.1:1",
        "s3://bucket/in/table.csv#x",
        "s3://key:secret@bucket/in/table.csv",
        "file:///etc/passwd",
        "http://127.0.0.1/in/table.csv",
        "://",
    ],
)
def test_addresses_that_are_not_set(data, files, source):
    """A URL is read only below a configured one, without query options and without `..`."""
    for sources in (Sources(data, ["s3://bucket/in/"], PLENTY), Sources(data, [], PLENTY)):
        with pytest.raises(SourceError, match="DATA_URLS"):
            sources.check(source)
        with pytest.raises(SourceError):
            sources.fetch(source, files, nothing)


def test_no_way_up_from_an_address(data, files):
    """An address of files leads to those below it, and written in any way to none above it."""
    sources = Sources(None, [f"file://{data}/"], PLENTY)
    sources.fetch(f"file://{data}/in/table.csv", files, nothing)
    assert files.input.read_bytes() == TABLE
    for up in ("..", "%2e%2e", "in/%2e%2e%2f%2e%2e"):
        with pytest.raises(SourceError):
            sources.check(f"file://{data}/{up}/secret.csv")


class Bucket(http.server.BaseHTTPRequestHandler):
    """As much of S3 as a reader needs: one object."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        result = self.path.partition("?")[0] == "/bucket/in/table.csv"
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        body = TABLE[int(first) : int(last) + 1 if last else None] if result else b""
        self.send_response((206 if "Range" in self.headers else 200) if result else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{len(TABLE)}")
        self.send_header("x-amz-bucket-region", "us-east-1")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving_bucket():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_object_store(files, monkeypatch):
    """An object is read from the store that AWS_ENDPOINT_URL names; one that there is not is refused."""
    with serving_bucket() as url:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        sources = Sources(None, ["s3://bucket/in/"], PLENTY)
        with pytest.raises(SourceError, match="cannot be read"):
            sources.fetch("s3://bucket/in/none.csv", files, nothing)
        sources.check("s3://bucket/in/table.csv")
        sources.fetch("s3://bucket/in/table.csv", files, nothing)
    assert files.input.read_bytes() == TABLE


def test_too_large(data, files):
    """A file that is too large is rejected, and no copy of it stays."""
    with pytest.raises(SourceError, match="more than 10 bytes"):
        Sources(data, [], 10).fetch("in/table.csv", files, nothing)
    assert not [path for path in files.folder.iterdir() if path.is_file()]


def test_nobody_wants_it(data, files):
    """A copy ends as soon as the check raises, and is removed."""

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Sources(data, [], PLENTY).fetch("in/table.csv", files, stop)
    assert not [path for path in files.folder.iterdir() if path.is_file()]


def test_an_upload_that_is_gone(files):
    """A job whose uploaded file is gone says so."""
    with pytest.raises(SourceError, match="the uploaded file is gone"):
        Sources(None, [], PLENTY).fetch("", files, nothing)
