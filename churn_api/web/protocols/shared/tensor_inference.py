"""An inference request for a model of records: tensors -> records -> predictions -> tensors."""

from collections.abc import Sequence
from typing import NamedTuple

from flask import current_app

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.contract.record import InvalidRecord
from churn_api.registry.model import Model
from churn_api.web.core.problems import Problem, body_errors, invalid
from churn_api.web.core.request_record import current_request
from churn_api.web.protocols.shared.inference_request import InferenceRequest, RequestedOutput
from churn_api.web.protocols.shared.inference_response import TensorOutput
from churn_api.web.protocols.shared.parameters import options_at
from churn_api.web.protocols.shared.prediction_objects import answer_headers
from churn_api.web.protocols.shared.prediction_tensors import output_names, prediction_tensors, version_tensors
from churn_api.web.protocols.shared.sent_records import MAX_NAMED, predict_sent
from churn_api.web.protocols.shared.tensor_records import sends_identifiers, tensor_records


class Inference(NamedTuple):
    """The outputs of an inference request, and the version that computed them."""

    outputs: list[TensorOutput]
    headers: dict[str, str]
    version: str
    """Where both versions of an experiment have answered, the live one; an output names that of each record."""


def infer_predictions(model: Model, request: InferenceRequest) -> Inference:
    """The outputs that the client asks for; all where it names none.

    Raises InvalidRecord or Problem with every fault, TooManyRows, or RateLimitExceeded.
    """
    signature = model.card.signature
    options = options_at(model, {"parameters": request.parameters}, "parameters")
    identified = sends_identifiers(request.inputs, signature)
    names = output_names(identified=identified, explained=options.reasons > 0)
    check_outputs(request.outputs or [], names)
    sent = tensor_records(request.inputs, signature, current_app.config["MAX_BATCH_ROWS"])
    answer = predict_sent(model, sent, options, ignore_unknown=True)
    tensors, versions = prediction_tensors(answer), version_tensors(answer)
    wanted = request.outputs or [RequestedOutput(name, request.binary, ()) for name in (*names, *versions)]
    tensors |= versions
    outputs = [tensors[output.name]._replace(binary=output.binary) for output in wanted]
    return Inference(outputs, answer_headers(answer), answer.model.card.version)


def check_outputs(requested: Sequence[RequestedOutput], names: Sequence[str]) -> None:
    """Raise InvalidRecord where the client asks for an output that the model does not have."""
    faults = [
        Fault(
            "unknown-output",
            f"There is no output {output.name[:MAX_NAME_LENGTH]!r}.",
            did_you_mean(output.name, names),
            (*output.path, "name"),
        )
        for output in requested
        if output.name not in names
    ]
    if faults:
        raise InvalidRecord(faults)


def problem_of(error: InvalidRecord) -> Problem:
    """The problem of a request with faults: its text has the first of them, since most clients show nothing else."""
    current_request().faults = error.faults
    shown = [f"{fault.message} {fault.hint or ''}".rstrip() + f" ({fault.pointer})" for fault in error.faults]
    return invalid(body_errors(error.faults), error.more, detail=" ".join(shown[:MAX_NAMED]))
