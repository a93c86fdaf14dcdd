"""What jobs may write below the data folder, and what they may not."""

import pytest

from churn_api.jobs.outputs import OutputError, Outputs


@pytest.fixture
def result(tmp_path):
    path = tmp_path / "result"
    path.write_bytes(b"customer_id,churn_probability\nA,0.5\n")
    return path


@pytest.fixture
def data(tmp_path):
    """A data folder with a file, and links out of it."""
    folder = tmp_path / "data"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "table.csv").write_bytes(b"tenure\n1\n")
    (folder / "up").symlink_to(tmp_path)
    (folder / "dangling.csv").symlink_to(tmp_path / "elsewhere.csv")
    (folder / "loop").symlink_to(folder / "loop")
    return folder


@pytest.mark.parametrize("output", ["scored.csv", "new/folder/scored.csv", "in/../scored.csv"])
def test_written(data, result, output):
    """A result is copied to a new file, whose folders are made, and nothing else is left."""
    outputs = Outputs(data)
    outputs.check(output)
    outputs.write(result, output)
    assert (data / output).read_bytes() == result.read_bytes()
    assert not list(data.rglob(".*"))


def test_again(data, result):
    """A second attempt at the same job finds its own file, and leaves it."""
    outputs = Outputs(data)
    outputs.write(result, "scored.csv")
    outputs.write(result, "scored.csv")
    assert (data / "scored.csv").read_bytes() == result.read_bytes()


@pytest.mark.parametrize(
    "output",
    [
        *("in/table.csv", "in", "", ".", "../scored.csv", "up/scored.csv", "dangling.csv", "loop", "loop/scored.csv"),
        *("/etc/scored.csv", "new/", "in/table.csv/scored.csv", "a\0b.csv", "x" * 300),
    ],
)
def test_refused(data, result, tmp_path, output):
    """No file is replaced, and none is written outside the folder, through a link or in a file's place."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    outputs = Outputs(data)
    for attempt in (lambda: outputs.check(output), lambda: outputs.write(result, output)):
        with pytest.raises(OutputError) as caught:
            attempt()
        assert str(tmp_path) not in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_without_a_data_folder(result):
    """Where no folder is set, nothing is written."""
    with pytest.raises(OutputError, match="DATA_DIR"):
        Outputs(None).check("scored.csv")
