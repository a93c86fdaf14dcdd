"""Hooks for what the OpenAPI document cannot express to schemathesis."""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def filter_case(context, case):
    """Leave out cases that no schema can exclude.

    Few texts are tables or bundles, few sources are files; `keep` goes with a table; and with on_error=skip 200 is the
    right answer to bad bodies.
    """
    query = case.query if isinstance(case.query, dict) else {}
    mode = case.meta.generation.mode
    if case.media_type not in (None, "application/json") or "keep" in query:
        return False
    if isinstance(case.body, dict) and "dataframe_split" in case.body:
        return False  # its rows are as long as its list of columns
    # Nor can one say which record goes with the model that an address names.
    unsure = (
        case.operation.path in ("/api/v1/jobs", "/api/v1/models/load", "/api/v1/predict-async")
        or "{model}" in case.operation.path
    )
    if case.operation.path == "/api/v1/models/load" and case.method == "OPTIONS":
        return False  # it is the address of a model of that name, too
    if (
        isinstance(case.body, dict)
        and isinstance(case.body.get("customers"), list)
        and len(case.body["customers"]) > 1000
    ):
        return False  # 413 is the right answer to more than the limit
    if case.method == "POST" and mode == GenerationMode.POSITIVE and unsure:
        return False
    return not (query.get("on_error") == "skip" and mode == GenerationMode.NEGATIVE)


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """As it is: the cases that it is made for are left out."""
    return str(value).encode()
