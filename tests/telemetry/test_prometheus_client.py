"""What is used of prometheus_client beyond its documentation is what it was written against."""

import inspect
import json
import os
from itertools import pairwise

import numpy as np
import prometheus_client
from prometheus_client import CollectorRegistry, values
from prometheus_client.mmap_dict import MmapedDict

from churn_api.telemetry import mmap_values
from churn_api.telemetry.metric_families import Histogram, add_one_by_one

AMOUNTS = {"": 0.0, "a": 1.5, "größe": 2.0**60, "x" * 100: 3.0}


def test_files_are_those_that_it_writes(metrics_group, tmp_path):
    """What is counted here makes the very bytes that prometheus_client's own writer makes of the same."""
    for label, amount in AMOUNTS.items():
        mmap_values.MmapValue("counter", "asked", "asked_total", ("by",), (label,), "How often.").inc(amount)
    theirs = MmapedDict(str(tmp_path / "theirs.db"))
    for label, amount in AMOUNTS.items():
        theirs.write_value(json.dumps(["asked", "asked_total", {"by": label}, "How often."], sort_keys=True), amount, 0)
    theirs.close()
    ours = (metrics_group / f"counter_{os.getpid()}.db").read_bytes()
    assert ours == (tmp_path / "theirs.db").read_bytes()


def test_takes_the_place_of_its_values():
    """Our value class has the constructor and the methods of prometheus_client's own."""
    theirs, ours = values.MultiProcessValue(), mmap_values.MmapValue
    parameters = inspect.signature(theirs).parameters.values()
    inspect.signature(ours).bind(*(one.name for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD))
    public = {name for name, _ in inspect.getmembers(theirs, inspect.isfunction) if not name.startswith("_")}
    assert public <= {name for name, _ in inspect.getmembers(ours, inspect.isfunction)}
    assert theirs._multiprocess is ours._multiprocess is True


def test_histograms_tell_what_its_own_does():
    """One by one or many at once, values fall into the buckets that prometheus_client's own histogram puts them in."""
    bounds = (0.125, 0.5, 1.0, 2.5)
    amounts = np.array([0.0, *bounds, *(sum(pair) / 2 for pair in pairwise(bounds)), 1024.0])
    registries = [CollectorRegistry() for _ in range(3)]
    theirs = prometheus_client.Histogram("asked", "How often.", registry=registries[0], buckets=bounds)
    single, many = (Histogram("asked", "How often.", registry=one, buckets=bounds) for one in registries[1:])
    for amount in amounts.tolist():
        theirs.observe(amount)
        single.observe(amount)
    add_one_by_one(many.steps_of_many(amounts))
    output = [
        {(sample.name, *sample.labels.values()): sample.value for family in one.collect() for sample in family.samples}
        for one in registries
    ]
    for one in output:
        one.pop(("asked_created",), None)
    assert output[0] == output[1] == output[2]
