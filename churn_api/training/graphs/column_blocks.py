"""What a step of a pipeline receives and returns while a graph is written: features, or blocks of columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.signature import Signature
from churn_api.scoring.onnx import NUMBERS, TEXTS
from churn_api.training.graphs.graph_writer import GraphWriter, UnsupportedStepError


@dataclass(frozen=True)
class Dense:
    """Columns that a graph's value holds: doubles of shape (n, width), or texts."""

    name: str
    width: int
    binary: bool = False
    """Whether every value is 0 or 1."""
    text: bool = False

    def dense(self, graph: GraphWriter) -> str:
        """The columns as a value of the graph."""
        del graph
        return self.name


@dataclass(frozen=True)
class Bins:
    """One-hot bins of columns: `edges` are the inner edges of each column, a bin includes its lower edge."""

    name: str
    edges: tuple[NDArray[np.float64], ...]

    text = False

    @property
    def width(self) -> int:
        """The number of bins of all columns."""
        return sum(len(inner) + 1 for inner in self.edges)

    def below(self, graph: GraphWriter) -> str:
        """Per edge, in order, 1 where the value lies below it, else 0: shape (n, number of edges)."""
        column = np.repeat(np.arange(len(self.edges)), [len(inner) for inner in self.edges])
        values = graph.extract(self.name, column)
        return graph.double(graph.add("Less", values, graph.constant(np.concatenate(self.edges))))

    def dense(self, graph: GraphWriter) -> str:
        """One column per bin: 1 where lower edge <= value < upper edge."""
        column = np.repeat(np.arange(len(self.edges)), [len(inner) + 1 for inner in self.edges])
        values = graph.extract(self.name, column)
        bounds = (
            np.concatenate([[*inner, np.inf] for inner in self.edges]),
            np.concatenate([[-np.inf, *inner] for inner in self.edges]),
        )
        below = [graph.double(graph.add("Less", values, graph.constant(bound))) for bound in bounds]
        return graph.add("Sub", *below)


Part = Dense | Bins


@dataclass(frozen=True)
class Block:
    """Columns in order, in parts, either all numeric or all texts."""

    parts: tuple[Part, ...]

    @property
    def width(self) -> int:
        """The number of columns."""
        return sum(part.width for part in self.parts)

    @property
    def text(self) -> bool:
        """Whether the columns are texts."""
        return any(part.text for part in self.parts)

    def dense(self, graph: GraphWriter) -> str:
        """All columns as one value of the graph."""
        return graph.join([part.dense(graph) for part in self.parts])

    def take(self, graph: GraphWriter, columns: Sequence[int]) -> "Block":
        """Some columns, in the given order."""
        if list(columns) == list(range(self.width)):
            return self
        return Block((Dense(graph.extract(self.dense(graph), np.array(columns)), len(columns), text=self.text),))


@dataclass(frozen=True)
class Features:
    """The features of a signature, as a pipeline receives them in a table of one column per feature."""

    signature: Signature

    @property
    def names(self) -> list[str]:
        """The features' names in order."""
        return [feature.name for feature in self.signature.features]

    @property
    def width(self) -> int:
        """The number of features."""
        return len(self.signature.features)

    def take(self, graph: GraphWriter, columns: Sequence[int]) -> Block:
        """Some features as a block. Raises UnsupportedStepError where they are numbers and texts."""
        features = [self.signature.features[column] for column in columns]
        kinds = {feature.numeric for feature in features}
        if len(kinds) != 1:
            raise UnsupportedStepError("a step takes numbers and texts together: give each a step of its own")
        same_kind = [feature for feature in self.signature.features if feature.numeric in kinds]
        name = NUMBERS if features[0].numeric else TEXTS
        complete = Block((Dense(name, len(same_kind), text=not features[0].numeric),))
        return complete.take(graph, [same_kind.index(feature) for feature in features])

    def block(self, graph: GraphWriter) -> Block:
        """All features as a block. Raises UnsupportedStepError where they are numbers and texts."""
        return self.take(graph, range(self.width))


Input = Features | Block


def as_block(graph: GraphWriter, value: Input) -> Block:
    """What a step receives, as a block. Raises UnsupportedStepError for features of both kinds."""
    return value.block(graph) if isinstance(value, Features) else value
