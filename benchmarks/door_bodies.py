"""The same customers as each protocol sends them, and the probabilities in its answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.contract.signature import Feature, Signature
from churn_api.web.protocols.shared.prediction_tensors import input_metadata
from churn_api.web.protocols.shared.tensor_datatypes import write_binary
from churn_api.web.protocols.shared.tensor_input import BINARY_SIZE, JSON_LENGTH_HEADER

PROBABILITY = "churn_probability"
Rows = Sequence[Mapping[str, Any]]


class Body(NamedTuple):
    """What a client sends."""

    content: bytes
    headers: Mapping[str, str]


class Protocol(NamedTuple):
    """How a protocol sends customers and answers."""

    body: Callable[[Rows, Signature], Body]
    probabilities: Callable[[Any], list[float]]
    """From the parsed JSON of an answer."""


def _in_json(payload: Any) -> Body:
    return Body(json.dumps(payload).encode(), {"Content-Type": "application/json"})


def _own(rows: Rows, signature: Signature) -> Body:
    return _in_json(rows[0] if len(rows) == 1 else {"customers": rows})


def _own_probabilities(answer: Any) -> list[float]:
    return [row[PROBABILITY] for row in answer.get("predictions", [answer])]


def _split(rows: Rows, signature: Signature) -> Body:
    names = [feature.name for feature in signature.features]
    return _in_json(
        {"dataframe_split": {"columns": names, "data": [[row.get(name) for name in names] for row in rows]}}
    )


def _instances(rows: Rows, signature: Signature) -> Body:
    return _in_json({"instances": [{name: row[name] for name in row if name != IDENTIFIER} for row in rows]})


def _tensors(rows: Rows, signature: Signature) -> list[tuple[dict[str, Any], list[Any]]]:
    """Heads and elements; booleans are numbers, which MLServer's model needs as well."""
    tensors = []
    for entry, feature in zip(input_metadata(signature), signature.features, strict=True):
        datatype = "BYTES" if entry["datatype"] == "BYTES" else "FP64"
        elements = [_plain(feature, row[feature.name]) for row in rows]
        tensors.append(({"name": feature.name, "datatype": datatype, "shape": [len(rows)]}, elements))
    return tensors


def _tensors_in_json(rows: Rows, signature: Signature) -> Body:
    return _in_json({"inputs": [head | {"data": elements} for head, elements in _tensors(rows, signature)]})


def _binary_tensors(rows: Rows, signature: Signature) -> Body:
    parts, heads = [], []
    for head, elements in _tensors(rows, signature):
        parts.append(write_binary(head["datatype"], elements))
        heads.append(head | {"parameters": {BINARY_SIZE: len(parts[-1])}})
    text = json.dumps({"inputs": heads}).encode()
    headers = {"Content-Type": "application/octet-stream", JSON_LENGTH_HEADER: str(len(text))}
    return Body(b"".join((text, *parts)), headers)


def _first_output(answer: Any) -> list[float]:
    return list(answer["outputs"][0]["data"])


def _plain(feature: Feature, value: Any) -> Any:
    """A value as MLflow's and MLServer's models take it: numbers for all but texts."""
    if feature.type == "string":
        return value
    truth = feature.labels[0] if feature.labels else True
    return float(value in (truth, True) if feature.type == "boolean" else value)


def _plain_split(rows: Rows, signature: Signature) -> Body:
    features = signature.features
    data = [[_plain(feature, row[feature.name]) for feature in features] for row in rows]
    return _in_json({"dataframe_split": {"columns": [feature.name for feature in features], "data": data}})


OWN = Protocol(_own, _own_probabilities)
MLFLOW_SPLIT = Protocol(_split, _own_probabilities)
INSTANCES = Protocol(_instances, _own_probabilities)
V2_JSON = Protocol(_tensors_in_json, _first_output)
V2_BINARY = Protocol(_binary_tensors, _first_output)
MLFLOW_PEER = Protocol(_plain_split, lambda answer: [row[1] for row in answer["predictions"]])
"""MLflow's own server with a pipeline: its rows are the probabilities of both classes."""
MLSERVER_PEER = Protocol(_tensors_in_json, lambda answer: answer["outputs"][0]["data"][1::2])
"""The same of MLServer's, in one tensor of two columns."""
