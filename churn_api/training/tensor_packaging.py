"""An ONNX graph as it is -> a bundle: its inputs and outputs are read, tried, and described in a card."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from churn_api.registry.bundle import ONNX_FILE, write_bundle
from churn_api.registry.golden_tensors import ROWS, equal_to_golden, golden_input, golden_inputs, golden_values
from churn_api.registry.tensor_card import MAX_LABEL_LENGTH, MAX_LABELS, GoldenTensors, TensorCard
from churn_api.registry.tensor_model import TensorModel
from churn_api.scoring.image_input import ImageInput, image_layout
from churn_api.scoring.run_errors import RunFailed
from churn_api.scoring.tensor_graph import TensorGraph
from churn_api.scoring.tensor_spec import Tensors, TensorSpec, shape_in_words
from churn_api.training.class_outputs import class_scores
from churn_api.training.graphs.tensor_nodes import input_specs, output_specs, served_graph
from churn_api.training.training_error import TrainingError

LIBRARIES = ("onnx", "onnxruntime", "numpy", "churn-api")


class ImageOptions(NamedTuple):
    """How an image becomes the input, as the caller gives it."""

    size: tuple[int, int]
    """Height and width."""
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    """One number, or one for each channel."""


def package_graph(
    path: Path, *, labels: Path | None, image: ImageOptions | None, name: str, models_dir: Path
) -> TensorCard:
    """Write a bundle, and return its card.

    Without a file of labels they are those that the graph itself names, if any. Raises TrainingError.
    """
    served = served_graph(_read(path))
    graph = _loaded(served.graph)
    inputs = input_specs(graph.inputs)
    known = _read_labels(labels) if labels else served.labels
    card = _described(graph, inputs, known, None if image is None else _image_input(inputs, image), name)
    return write_bundle(models_dir, card, {ONNX_FILE: served.graph})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path.name} cannot be read: {error.strerror}") from error


def _loaded(graph: bytes) -> TensorGraph:
    try:
        return TensorGraph(graph)
    except Exception as error:  # ONNX Runtime's own errors share no base class
        reason = (str(error).splitlines() or [""])[0][:300]
        raise TrainingError(f"ONNX Runtime cannot load the graph: {reason}") from error


def _read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a file, one a line."""
    try:
        lines = _read(path).decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path.name} is not UTF-8 text") from error
    labels = tuple(line.strip() for line in lines)
    for number, label in enumerate(labels, 1):
        if not 0 < len(label) <= MAX_LABEL_LENGTH or not label.isprintable():
            raise TrainingError(f"{path.name}, line {number}: a label has 1 to {MAX_LABEL_LENGTH} printable characters")
    if not 0 < len(labels) <= MAX_LABELS:
        raise TrainingError(f"{path.name} has {len(labels):,} labels: a model has 1 to {MAX_LABELS:,}")
    return labels


def _image_input(inputs: Sequence[TensorSpec], options: ImageOptions) -> ImageInput:
    first, *others = inputs
    layout = image_layout(first)
    if layout is None or others:
        raise TrainingError(
            "the graph takes no image: that needs one input of floats or UINT8 with 4 dimensions, one of them 1 or 3 "
            f"channels, and {first.name!r} has the shape {shape_in_words(first.shape)}"
        )
    channels, channels_first = layout
    try:
        image = ImageInput(
            input=first.name,
            size=options.size,
            channels=channels,
            channels_first=channels_first,
            mean=options.mean * (channels if len(options.mean) == 1 else 1),
            scale=options.scale * (channels if len(options.scale) == 1 else 1),
        )
    except ValueError as error:
        raise TrainingError(str(error)) from error
    if not first.fits((1, *image.shape)):
        height, width = options.size
        raise TrainingError(
            f"an image of {height}x{width} does not fit {first.name!r}, whose shape is {shape_in_words(first.shape)}"
        )
    return image


def _described(
    graph: TensorGraph, inputs: tuple[TensorSpec, ...], labels: tuple[str, ...], image: ImageInput | None, name: str
) -> TensorCard:
    """The card of a graph, from what it returns for known inputs."""
    if image is not None and not labels:
        raise TrainingError("an image gets a label, so name a file of labels: --labels labels.txt")
    many, one = (_run(graph, {spec.name: golden_input(spec, rows, image) for spec in inputs}) for rows in (ROWS, 1))
    card = TensorCard(
        kind="tensor",
        name=name,
        version="",
        created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        inputs=inputs,
        outputs=output_specs(graph.outputs, many, one),
        labels=labels,
        scores=class_scores(labels, many, ROWS) if labels else None,
        image=image,
        independent_rows=False,
        golden=GoldenTensors(outputs={key: golden_values(value) for key, value in many.items()}),
        libraries={library: version(library) for library in LIBRARIES},
        files={},
    )
    return msgspec.structs.replace(card, independent_rows=_independent(TensorModel(card, graph), many))


def _run(graph: TensorGraph, tensors: Tensors) -> dict[str, NDArray[Any]]:
    names = [node.name for node in graph.outputs]
    try:
        return dict(zip(names, graph.run(names, tensors), strict=True))
    except RunFailed as error:
        cause = (str(error.__cause__).splitlines() or [""])[0][:300]
        raise TrainingError(f"the graph was tried with inputs of its shapes, and failed: {cause}") from error


def _independent(model: TensorModel, many: dict[str, NDArray[Any]]) -> bool:
    """Whether each row gets the same alone as with the others."""
    if not model.card.has_free_rows:
        return False
    rows = golden_inputs(model.card)
    alone = [model.run({name: array[[row]] for name, array in rows.items()}) for row in range(ROWS)]
    joined = {name: np.concatenate([one[name] for one in alone]) for name in many}
    return all(
        joined[spec.name].shape == many[spec.name].shape
        and equal_to_golden(joined[spec.name], spec, golden_values(many[spec.name]))
        for spec in model.card.outputs
    )
