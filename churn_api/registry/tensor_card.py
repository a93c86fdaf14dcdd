"""The card of a tensor model: an ONNX graph that takes and returns tensors, and is about no customers."""

from typing import Literal

import msgspec

from churn_api.scoring.class_scores import ClassScores
from churn_api.scoring.image_input import ImageInput, image_layout
from churn_api.scoring.tensor_spec import TensorSpec

MAX_TENSORS = 64
"""Inputs, and outputs, of a graph."""
MAX_LABELS = 100_000
MAX_LABEL_LENGTH = 256


class GoldenTensors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the graph returned for known inputs when it was packaged: the first values of each output.

    The inputs follow from the card, so that a bundle need not hold them.
    """

    outputs: dict[str, tuple[float | int | bool | str, ...]]


class TensorCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `card.json` of a tensor model."""

    format: Literal[1] = 1
    kind: Literal["tensor"]
    name: str
    version: str
    created_at: str
    scorer: Literal["onnx"] = "onnx"
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: tuple[str, ...] = ()
    """The label of each class, in the order of the output's numbers; empty for a model without classes."""
    scores: ClassScores | None = None
    """None for a model without labels."""
    image: ImageInput | None = None
    independent_rows: bool
    """Whether a row gets the same result alone and with others, so that many rows may be computed in parts."""
    golden: GoldenTensors
    libraries: dict[str, str]
    files: dict[str, str]
    """SHA-256 by file name."""

    def __post_init__(self) -> None:
        for specs in (self.inputs, self.outputs):
            if not 0 < len(specs) <= MAX_TENSORS or len({spec.name for spec in specs}) < len(specs):
                raise ValueError(f"a graph has 1 to {MAX_TENSORS} inputs and outputs, with names of their own")
        self._check_labels()
        if self.image is not None:
            self._check_image(self.image)

    def _check_labels(self) -> None:
        if bool(self.labels) != (self.scores is not None) or len(self.labels) > MAX_LABELS:
            raise ValueError(f"at most {MAX_LABELS:,} labels, and scores for them")
        if any(not 0 < len(label) <= MAX_LABEL_LENGTH or not label.isprintable() for label in self.labels):
            raise ValueError(f"a label has 1 to {MAX_LABEL_LENGTH} printable characters")
        if self.scores is not None and self.scores.output not in {spec.name for spec in self.outputs}:
            raise ValueError("the scores are no output")

    def _check_image(self, image: ImageInput) -> None:
        if len(self.inputs) > 1 or self.inputs[0].name != image.input or not self.labels:
            raise ValueError("an image is a model's only input, and the model has labels")
        if image_layout(self.inputs[0]) is None or not self.inputs[0].fits((1, *image.shape)):
            raise ValueError("the image does not fit its input")

    @property
    def matrix(self) -> TensorSpec | None:
        """Its one input where that is a matrix of numbers, and its rows get labels."""
        (first, *others), labelled = self.inputs, bool(self.labels)
        return first if first.is_matrix and labelled and not others else None

    @property
    def has_free_rows(self) -> bool:
        """Whether one run takes any number of rows."""
        return all(spec.has_free_rows for spec in (*self.inputs, *self.outputs))
