"""Numbers in files that prometheus_client reads."""

import json
import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.mmap_dict import MmapedDict

from churn_api.telemetry import mmap_values


def cell(label="", kind="counter", **mode):
    return mmap_values.MmapValue(kind, "asked", "asked_total", ("by",), (label,), "How often.", **mode)


def written(path):
    """By label, what prometheus_client reads in a file."""
    result = MmapedDict.read_all_values_from_file(str(path))
    return {json.loads(key)[2]["by"]: value for key, value, _, _ in result}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(counted=st.dictionaries(st.text(max_size=300), st.floats(0, 1e6), max_size=20))
def test_read_by_prometheus_client(metrics_group, counted):
    """With any labels, prometheus_client immediately reads each value as it was last written."""
    (metrics_group / f"counter_{os.getpid()}.db").unlink(missing_ok=True)
    mmap_values._files.clear()
    for label, amount in counted.items():
        cell(label).inc(amount)
    if counted:
        assert written(metrics_group / f"counter_{os.getpid()}.db") == counted


def test_more_than_a_file_holds(metrics_group):
    """Numbers count on, old ones too, when their file has grown to several times its size."""
    counted = {f"{number:x<200}": cell(f"{number:x<200}") for number in range(1500)}
    for one in counted.values():
        one.inc(1)
    for one in counted.values():
        one.inc(2)
    path = metrics_group / f"counter_{os.getpid()}.db"
    assert path.stat().st_size > 4 * 65536
    assert written(path) == dict.fromkeys(counted, 3.0)


def test_dead_process_of_the_same_id(metrics_group):
    """A process counts on from what one left that had its id: the system gives ids again."""
    cell("a").inc(5)
    mmap_values._files.clear()
    cell("b").inc(1)
    cell("a").inc(2)
    assert written(metrics_group / f"counter_{os.getpid()}.db") == {"a": 7.0, "b": 1.0}


def test_forked_process(metrics_group):
    """A forked process counts from zero in its own files, with the value objects of its parent."""
    shared, gauge = cell("a"), cell("g", "gauge", multiprocess_mode="livesum")
    shared.inc(5)
    gauge.set(9)
    child = os.fork()
    if child == 0:
        shared.inc(2)
        os._exit(0 if gauge.get() == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert written(metrics_group / f"counter_{child}.db") == {"a": 2.0}
    assert written(metrics_group / f"counter_{os.getpid()}.db") == {"a": 5.0}
    assert written(metrics_group / f"gauge_livesum_{os.getpid()}.db") == {"g": 9.0}


def test_many_at_once(metrics_group):
    """Steps that are added at once count as if one by one, of any numbers in any order, in a forked process too."""
    one, other = cell("a"), cell("b")
    mmap_values.add([(one, 1), (other, 2), (one, 0.5)])
    child = os.fork()
    if child == 0:
        mmap_values.add([(other, 3), (other, 4)])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert written(metrics_group / f"counter_{os.getpid()}.db") == {"a": 1.5, "b": 2.0}
    assert written(metrics_group / f"counter_{child}.db") == {"b": 7.0}


@pytest.mark.parametrize("at_once", [False, True])
def test_threads(metrics_group, at_once):
    """No increment is lost where threads count concurrently, one or several at a time."""
    shared, other = cell("a"), cell("b")

    def count():
        for _ in range(20_000):
            if at_once:
                mmap_values.add([(shared, 1), (other, 1)])
            else:
                shared.inc(1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.get() == 80_000
