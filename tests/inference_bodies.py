"""Bodies of other systems' protocols, written without the code that reads them."""

import json
import struct

import numpy as np
import pandas as pd
from builders import customers

DTYPES = {"BOOL": "?", "UINT8": "u1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "FP32": "<f4", "FP64": "<f8"}


def records(rows=5, seed=8):
    """Customers as records of the model `small`; gaps are left out."""
    table = customers(rows, seed=seed).drop(columns=["Churn", "customerID"])
    rows = table.assign(Partner=table["Partner"] == "Yes").to_dict("records")
    return [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows]


def tensor(name, values, datatype, *, column=False):
    """An input with its elements in JSON."""
    shape = [len(values), 1] if column else [len(values)]
    return {"name": name, "shape": shape, "datatype": datatype, "data": list(values)}


def packed(tensor):
    """The same with its elements in binary form, and these."""
    values, datatype = tensor["data"], tensor["datatype"]
    if datatype == "BYTES":
        texts = [text.encode() for text in values]
        data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    else:
        data = np.array(values, DTYPES[datatype]).tobytes()
    head = {name: value for name, value in tensor.items() if name != "data"}
    return head | {"parameters": {"binary_data_size": len(data)}}, data


def inputs_of(records, inputs):
    """An input for each entry of a model's metadata; gaps are NaN and the empty text, as clients send them."""
    made = []
    for entry in inputs:
        values = [record.get(entry["name"]) for record in records]
        datatype = entry["datatype"]
        gap = "" if datatype == "BYTES" else float("nan")
        if None in values and datatype != "BYTES":
            datatype = "FP64"
        made.append(tensor(entry["name"], [gap if value is None else value for value in values], datatype))
    return made


def body(inputs, *, binary=False, **members):
    """A request's body, and the headers that say how it is written."""
    if not binary:
        return json.dumps({"inputs": inputs} | members), {"Content-Type": "application/json"}
    heads, parts = zip(*map(packed, inputs), strict=True)
    text = json.dumps({"inputs": heads} | members).encode()
    return b"".join((text, *parts)), {"Inference-Header-Content-Length": str(len(text))}


def outputs_of(data, json_bytes=None):
    """The values of each output of an answer, in JSON or in binary form, by name and in order."""
    end = len(data) if json_bytes is None else int(json_bytes)
    answer, rest = json.loads(data[:end]), data[end:]
    values = {}
    for output in answer["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            values[output["name"]] = output["data"]
        else:
            part, rest = rest[:size], rest[size:]
            values[output["name"]] = unpacked(part, output["datatype"])
        assert output["shape"] == [len(values[output["name"]])]
    assert rest == b""
    return values


def unpacked(data, datatype):
    """The elements of a binary tensor."""
    if datatype != "BYTES":
        return np.frombuffer(data, DTYPES[datatype]).tolist()
    texts = []
    while data:
        (length,) = struct.unpack("<I", data[:4])
        texts.append(data[4 : 4 + length].decode())
        data = data[4 + length :]
    return texts
