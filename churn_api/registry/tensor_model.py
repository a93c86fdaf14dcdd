"""A tensor model in memory, loaded from a bundle and verified."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.registry.bundle import ONNX_FILE, BundleError, read_artefact, verify_files
from churn_api.registry.golden_tensors import equal_to_golden, golden_inputs
from churn_api.registry.loaded_reasons import LoadedReasons
from churn_api.registry.tensor_card import TensorCard
from churn_api.scoring.run_errors import RunFailed
from churn_api.scoring.tensor_spec import Tensors, TensorSpec

if TYPE_CHECKING:
    from churn_api.scoring.tensor_graph import TensorGraph, TensorNode

VALUES_AT_ONCE = 1 << 18
"""Values of all inputs in one run, where rows are independent: what a graph computes takes many times its input."""


class TensorModel(NamedTuple):
    """A loaded tensor model. Immutable: a request that holds one sees no change."""

    card: TensorCard
    graph: "TensorGraph"
    reasons: LoadedReasons = LoadedReasons(None, why_none="a tensor model gives no reasons")

    @property
    def field_names(self) -> frozenset[str]:
        """The names of its inputs, which metrics may name."""
        return frozenset(spec.name for spec in self.card.inputs)

    def run(self, tensors: Tensors, outputs: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
        """Outputs by name, by default all, for inputs that fit the card. Raises RunFailed."""
        names = list(outputs) or [spec.name for spec in self.card.outputs]
        parts = [self.graph.run(names, part) for part in self._parts(tensors)]
        if len(parts) == 1:
            return dict(zip(names, parts[0], strict=True))
        return {name: np.concatenate(arrays) for name, arrays in zip(names, zip(*parts, strict=True), strict=True)}

    def probabilities(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of the labels, shape (n, labels), for n rows of its one input. Raises RunFailed.

        n is at least 1, also where the graph takes one row at a time.
        """
        scores, name = self.card.scores, self.card.inputs[0].name
        if scores is None:
            raise RunFailed("the model has no labels")
        runs = [rows] if self.card.inputs[0].has_free_rows else [rows[row : row + 1] for row in range(len(rows))]
        found = np.concatenate([self.run({name: run}, [scores.output])[scores.output] for run in runs])
        probabilities = scores.probabilities(found)
        if probabilities.shape != (len(rows), len(self.card.labels)) or not np.all(np.isfinite(probabilities)):
            raise RunFailed("the model gives no probabilities for these inputs")
        return probabilities

    def try_out(self) -> None:
        """Run it as a worker would, with as many values as one run may have. Raises BundleError."""
        try:
            self.run(golden_inputs(self.card))
            if self.card.has_free_rows:
                one = sum(array.size for array in golden_inputs(self.card, rows=1).values())
                self.run(golden_inputs(self.card, rows=max(1, VALUES_AT_ONCE // one)))
        except RunFailed as error:
            raise BundleError(f"known inputs cannot be computed: {error}") from error

    def _parts(self, tensors: Tensors) -> Iterator[Tensors]:
        """The inputs of each run."""
        if not (self.card.has_free_rows and self.card.independent_rows):
            yield tensors
            return
        rows = len(next(iter(tensors.values())))
        at_once = max(1, VALUES_AT_ONCE * rows // sum(array.size for array in tensors.values()))
        for start in range(0, rows, at_once):
            yield {name: array[start : start + at_once] for name, array in tensors.items()}


def load_tensor_model(folder: Path, card: TensorCard) -> TensorModel:
    """Load a tensor model, and check the digests of its files, its inputs and outputs, and its golden tensors.

    Raises BundleError.
    """
    verify_files(folder, card)
    graph = read_artefact(folder, card, ONNX_FILE)
    # Imported here: processes that only read cards do not load ONNX Runtime.
    from churn_api.scoring.tensor_graph import TensorGraph

    try:
        model = TensorModel(card, TensorGraph(graph))
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise BundleError(f"{ONNX_FILE} cannot be loaded ({type(error).__name__})") from error
    _check_nodes("inputs", card.inputs, model.graph.inputs)
    _check_nodes("outputs", card.outputs, model.graph.outputs)
    _check_golden(model)
    return model


def _check_nodes(what: str, specs: Sequence[TensorSpec], nodes: Sequence["TensorNode"]) -> None:
    if [spec.name for spec in specs] != [node.name for node in nodes]:
        raise BundleError(f"its {what} are not those of its card")


def _check_golden(model: TensorModel) -> None:
    try:
        computed: Mapping[str, NDArray[Any]] = model.run(golden_inputs(model.card))
    except RunFailed as error:
        raise BundleError(f"its golden tensors cannot be computed: {error}") from error
    for spec in model.card.outputs:
        if not equal_to_golden(computed[spec.name], spec, model.card.golden.outputs.get(spec.name, ())):
            raise BundleError("its golden tensors get other results than when it was packaged")
