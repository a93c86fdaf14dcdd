import pytest

from churn_api.jobs.files import RESERVED_BYTES, JobFiles, atomic_write


@pytest.fixture
def files(tmp_path):
    files = JobFiles(tmp_path, "one", ".csv")
    files.begin()
    return files


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_file_is_whole_or_not_there(tmp_path):
    """A file appears when it is complete; where writing fails, the previous file stays and no temporary file."""
    path = tmp_path / "file"
    with atomic_write(path) as file:
        file.write(b"old")
        assert not path.exists()
    with pytest.raises(TypeError), atomic_write(path) as file:
        file.writelines([b"half", None])
    assert (path.read_bytes(), names(tmp_path)) == (b"old", {"file"})


def test_two_writers(tmp_path):
    """Two writers of the same file use separate temporary files, and the last to finish wins."""
    with atomic_write(tmp_path / "file") as slow:
        slow.write(b"slow")
        with atomic_write(tmp_path / "file") as quick:
            quick.write(b"quick")
        assert (tmp_path / "file").read_bytes() == b"quick"
    assert ((tmp_path / "file").read_bytes(), names(tmp_path)) == (b"slow", {"file"})


def test_parts_in_order(files):
    """Parts are read as they were written, under names that show their format; a block may have no faults."""
    for number in (2, 0, 1):
        files.write_part(number, b"%d" % number)
        files.write_errors(number, b"e%d\n" % number)
    assert [files.part(number) for number in range(3)] == [b"0", b"1", b"2"]
    files.write_part(3, b"3")
    files.join_errors(4, more=0)
    assert files.errors.read_bytes() == b"e0\ne1\ne2\n"
    assert names(files.parts_folder) == {f"part-{number:08d}.csv" for number in range(4)}


def finish(files):
    """A job's files when its result is written, and what workers left that were killed."""
    for path in (files.input, files.result, files.folder / ".result.1f.unfinished"):
        path.write_bytes(b"x")
    files.write_part(0, b"x")
    (files.parts_folder / ".part-00000001.csv.1f.unfinished").write_bytes(b"x")
    files.write_errors(0, b"x")
    files.join_errors(1, more=0)
    (files.work_of(1) / "input.unzipped").write_bytes(b"x")


@pytest.mark.parametrize(
    ("data_set", "left"), [(False, {"result", "errors.ndjson"}), (True, {"result", "errors.ndjson", "parts"})]
)
def test_tidy(files, data_set, left):
    """A finished job keeps its result and faults, and its complete parts where they form a data set."""
    finish(files)
    files.tidy(data_set=data_set)
    assert names(files.folder) == left
    assert not data_set or names(files.parts_folder) == {"part-00000000.csv"}


def test_discard(files):
    """Of a job that failed the faults of its rows stay, and nothing that could be taken for a result."""
    finish(files)
    files.discard()
    assert names(files.folder) == {"errors.ndjson"}


def test_remove(files, tmp_path):
    """A cancelled job keeps no files, and a worker that still writes to it fails."""
    finish(files)
    with pytest.raises(FileNotFoundError), atomic_write(files.result):
        files.remove()
    with pytest.raises(FileNotFoundError):
        files.write_part(1, b"x")
    assert names(tmp_path) == set()
    files.remove()


def test_work_of_each_lease(files):
    """Each lease decompresses the input in its own folder; folders of older leases are removed, newer ones stay."""
    newer, older = files.work_of(3), files.work_of(2)
    (newer / "input").write_bytes(b"x")
    assert older != newer
    assert files.work_of(3) == newer
    assert (names(files.work), names(newer)) == ({"3"}, {"input", "reserve"})


def test_reserve(files):
    """The holder of a lease keeps some room, and can give it back."""
    files.begin()
    own = files.work_of(1)
    assert sum(path.stat().st_blocks * 512 for path in own.iterdir()) >= RESERVED_BYTES
    files.free_reserve(1)
    assert list(own.iterdir()) == []
    files.free_reserve(1)
