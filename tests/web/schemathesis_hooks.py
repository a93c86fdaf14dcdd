"""Hooks for what the OpenAPI document cannot express to schemathesis."""

import json

import schemathesis
from schemathesis import GenerationMode
from schemathesis.generation.meta import TestPhase

# Protocols of other systems take what loses nothing, as 0 for a boolean, which their schemas do not say.
LENIENT = ("/score", "/invocations", "/v1/", "/v2/")


LIMIT = 1000


@schemathesis.hook
def filter_case(context, case):
    """Leave out cases that no schema can exclude.

    Few texts are tables or bundles, few sources are files; `keep` goes with a table; and with on_error=skip 200 is the
    right answer to bad bodies.
    """
    query = case.query if isinstance(case.query, dict) else {}
    mode, path = case.meta.generation.mode, case.operation.path
    members = case.body if isinstance(case.body, dict) else {}
    # Nor can one say which record goes with the model that an address names, or which day is in the future.
    unsure = (
        path.startswith("/api/v1/outcomes")
        or path in ("/api/v1/jobs", "/api/v1/models/load", "/api/v1/predict-async")
        or "{model}" in path
    )
    left_out = (
        case.media_type not in (None, "application/json"),
        "keep" in query,
        # A row of a DataFrame is as long as its list of columns.
        "dataframe_split" in members or "input_data" in members,
        path.startswith(LENIENT) and _may_lose_nothing(case, members),
        # It is the address of a model of that name, too.
        case.method == "OPTIONS" and path.endswith(("/api/v1/models/load", ":predict", ":explain")),
        # 413 is the right answer to more than the limit.
        any(isinstance(value, list) and len(value) > LIMIT for value in members.values()),
        case.method == "POST" and mode == GenerationMode.POSITIVE and unsure,
        # Of amounts together a call must pay, and a text must be the name of a feature.
        case.method == "PUT" and mode == GenerationMode.POSITIVE and path.endswith("/costs"),
        query.get("on_error") == "skip" and mode == GenerationMode.NEGATIVE,
    )
    return not any(left_out)


def _may_lose_nothing(case, members):
    """Whether a case is meant to be refused, and differs from a valid one in a single value, or has an empty text."""
    near = case.meta.phase.name == TestPhase.COVERAGE and case.method == "POST"
    return case.meta.generation.mode == GenerationMode.NEGATIVE and (near or '""' in json.dumps(members))


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """As it is: the cases that it is made for are left out."""
    return str(value).encode()
