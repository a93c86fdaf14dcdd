"""An inference request for a tensor model: tensors -> a run of its graph -> tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flask import current_app
from numpy.typing import NDArray

from churn_api.registry.tensor_model import TensorModel
from churn_api.scoring.run_errors import RunFailed
from churn_api.scoring.tensor_spec import TensorSpec
from churn_api.web.core.app_services import services
from churn_api.web.core.rate_limits import charge_batch
from churn_api.web.core.request_record import current_request
from churn_api.web.protocols.shared.inference_request import InferenceRequest, RequestedOutput
from churn_api.web.protocols.shared.inference_response import TensorOutput
from churn_api.web.protocols.shared.tensor_arrays import input_arrays
from churn_api.web.protocols.shared.tensor_inference import check_outputs


def infer_tensors(model: TensorModel, request: InferenceRequest) -> list[TensorOutput]:
    """The outputs that the client asks for; all where it names none.

    Raises InvalidRecord with every fault, TooManyRows, RateLimitExceeded, or RunFailed.
    """
    card, record = model.card, current_request()
    requested = request.outputs or [RequestedOutput(spec.name, request.binary, ()) for spec in card.outputs]
    check_outputs(requested, [spec.name for spec in card.outputs])
    arrays = input_arrays(card, request.inputs, current_app.config["MAX_BATCH_ROWS"])
    rows = len(next(iter(arrays.values()))) if card.has_free_rows else 1
    record.rows = rows
    charge_batch(rows)
    names = [output.name for output in requested]
    answer = services().data_plane.run_tensors(model, arrays, names, many=rows > 1)
    record.inference_seconds = answer.seconds
    specs = {spec.name: spec for spec in card.outputs}
    return [_output(specs[one.name], answer.outputs[one.name], binary=one.binary) for one in requested]


def tensor_metadata(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    """Inputs or outputs in the protocol's words."""
    return [{"name": spec.name, "datatype": spec.datatype, "shape": spec.shape} for spec in specs]


def _output(spec: TensorSpec, array: NDArray[Any], *, binary: bool) -> TensorOutput:
    """An output as the protocol has it. JSON has no number for NaN: such an output needs its binary form."""
    if spec.is_float and not binary and not np.all(np.isfinite(array)):
        raise RunFailed(f"the output {spec.name!r} has values that JSON cannot hold: ask for binary data")
    flat = array.reshape(-1)
    elements = flat.tolist() if spec.datatype == "BYTES" else flat
    return TensorOutput(spec.name, spec.datatype, array.shape, elements, binary)
