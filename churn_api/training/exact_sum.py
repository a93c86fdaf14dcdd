"""A converter of our own for logistic regression: a sum that is the same double in whatever order it is added.

A matrix product in float32 adds in an order that depends on the number of rows, on a row's position and on the
processor, and another order can change the last digit. Whole numbers have no such digit: doubles add them without
rounding up to 2^53. So each term (a weight times a value) is rounded to whole units of 2^-30 and bounded so that all
terms together stay below 2^53 units. This holds for any processor, and for any way to compute the product.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from skl2onnx.algebra.onnx_ops import (
    OnnxArgMax,
    OnnxArrayFeatureExtractor,
    OnnxCast,
    OnnxClip,
    OnnxConcat,
    OnnxGemm,
    OnnxLess,
    OnnxMul,
    OnnxRound,
    OnnxSigmoid,
)
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.operator_converters.linear_classifier import convert_sklearn_linear_classifier
from skl2onnx.proto import onnx_proto
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

EXACT_SUM = "exact_sum"
"""How the names of the sums in a graph begin."""

_UNIT = 2.0**-30
_MOST_UNITS = 51
_FLOAT, _DOUBLE = onnx_proto.TensorProto.FLOAT, onnx_proto.TensorProto.DOUBLE


class _Terms(NamedTuple):
    """What is added."""

    values: Any
    """Columns of whole numbers."""
    units: NDArray[np.float64]
    """What one of each column is worth."""
    constant: float = 0.0
    """The units that every row has."""


class _Block(NamedTuple):
    """Columns of the classifier's input that one step of the pipeline made."""

    variable: Any
    weights: NDArray[np.float64]
    maker: Any
    """The operator that made them, where it is known."""

    @property
    def one_hot(self) -> bool:
        """Whether they hold nothing but 0 and 1: then the terms are the weights, rounded beforehand."""
        return isinstance(self._step, OneHotEncoder) or self.binned

    @property
    def binned(self) -> bool:
        """Whether they are one-hot bins of numbers, with an edge between two of them."""
        bins = self._step
        return isinstance(bins, KBinsDiscretizer) and bins.encode.startswith("onehot") and max(bins.n_bins_) > 1

    @property
    def _step(self) -> Any:
        return getattr(self.maker, "raw_operator", None)


def convert_logistic(scope: Any, operator: Any, container: Any) -> None:
    """Scores of both classes: each term in whole units, added as doubles, and only then rounded to float32."""
    model = operator.raw_operator
    if len(model.classes_) != 2 or not isinstance(operator.inputs[0].type, FloatTensorType):
        convert_sklearn_linear_classifier(scope, operator, container)
        return
    version = {"op_version": container.target_opset}
    weights = np.asarray(model.coef_[0], np.float64)
    bound = 2.0 ** (_MOST_UNITS - math.ceil(math.log2(len(weights) + 1)))
    blocks = _blocks(operator.inputs[0], weights, list(scope.operators.values()))
    terms = _terms(blocks, bound, version)
    positive, offset = terms.units * _UNIT, (terms.constant + _units(float(model.intercept_[0]), bound)) * _UNIT
    sums = OnnxGemm(
        OnnxCast(terms.values, to=_DOUBLE, **version),
        np.stack([-positive, positive], axis=1),
        np.array([-offset, offset]),
        output_names=[scope.get_unique_variable_name(EXACT_SUM)],
        **version,
    )
    labels, scores = operator.outputs
    # Nobody asks a compiled model for labels, but the converters around this one want them to be there.
    OnnxArgMax(sums, axis=1, keepdims=0, output_names=[labels], **version).add_to(scope, container)
    if container.get_options(model, {"raw_scores": False})["raw_scores"]:
        OnnxCast(sums, to=_FLOAT, output_names=[scores], **version).add_to(scope, container)
    else:
        rounded = OnnxCast(sums, to=_FLOAT, **version)
        OnnxSigmoid(rounded, output_names=[scores], **version).add_to(scope, container)


def _terms(blocks: list[_Block], bound: float, version: dict[str, int]) -> _Terms:
    measured = [block for block in blocks if not block.one_hot]
    parts = [_measured(measured, bound, version)] if measured else []
    for block in blocks:
        if block.binned:
            parts.append(_steps(block, bound, version))
        elif block.one_hot:
            parts.append(_Terms(block.variable, _units(block.weights, bound)))
    values = _join([part.values for part in parts], version)
    return _Terms(values, np.concatenate([part.units for part in parts]), sum(part.constant for part in parts))


def _measured(blocks: list[_Block], bound: float, version: dict[str, int]) -> _Terms:
    """Numbers of any size: each times its weight, rounded to units and bounded."""
    values = _join([block.variable for block in blocks], version)
    scale = (np.concatenate([block.weights for block in blocks]) / _UNIT).astype(np.float32)
    limits = [np.array(limit, np.float32) for limit in (-bound, bound)]
    rounded = OnnxRound(OnnxClip(OnnxMul(values, scale, **version), *limits, **version), **version)
    return _Terms(rounded, np.ones(len(scale)))


def _steps(block: _Block, bound: float, version: dict[str, int]) -> _Terms:
    """Bins as steps: the last bin's weight, and at each edge that a number is below, what the bins around it differ by.

    That is the same whole number of units as the weight of the number's bin, from one comparison an edge.
    """
    inner = [edges[1:-1] for edges in block.maker.raw_operator.bin_edges_]
    column = np.repeat(np.arange(len(inner)), [len(edges) for edges in inner])
    numbers = OnnxArrayFeatureExtractor(block.maker.inputs[0], column, **version)
    below = OnnxCast(OnnxLess(numbers, np.concatenate(inner).astype(np.float32), **version), to=_FLOAT, **version)
    each = np.split(_units(block.weights, bound), np.cumsum([len(edges) + 1 for edges in inner])[:-1])
    return _Terms(below, np.concatenate([-np.diff(units) for units in each]), sum(units[-1] for units in each))


def _units(weights: Any, bound: float) -> Any:
    """Weights in whole units. The proof of parity finds out where the bound cuts one off."""
    return np.clip(np.rint(weights / _UNIT), -bound, bound)


def _join(variables: Sequence[Any], version: dict[str, int]) -> Any:
    return variables[0] if len(variables) == 1 else OnnxConcat(*variables, axis=1, **version)


def _blocks(variable: Any, weights: NDArray[np.float64], operators: Sequence[Any]) -> list[_Block]:
    """The classifier's input as the blocks that it was joined from, each with its weights."""
    leaves = list(_leaves(variable, operators))
    widths = [leaf.type.shape[1] for leaf, _ in leaves]
    if None in widths or sum(widths) != len(weights):
        return [_Block(variable, weights, None)]
    parts = np.split(weights, np.cumsum(widths)[:-1])
    return [_Block(leaf, part, maker) for (leaf, maker), part in zip(leaves, parts, strict=True)]


def _leaves(variable: Any, operators: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """What was joined to a variable, and the operator that made each."""
    maker = next((operator for operator in operators if _names(operator.outputs) == [variable.onnx_name]), None)
    if maker is None or maker.type != "SklearnConcat" or not _all_float(maker.inputs):
        yield variable, maker
        return
    for joined in maker.inputs:
        yield from _leaves(joined, operators)


def _names(variables: Iterable[Any]) -> list[str]:
    return [variable.onnx_name for variable in variables]


def _all_float(variables: Iterable[Any]) -> bool:
    return all(isinstance(variable.type, FloatTensorType) for variable in variables)
