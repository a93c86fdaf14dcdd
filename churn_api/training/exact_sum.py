"""A custom skl2onnx converter for logistic regression, whose sums are the same doubles in any order of addition.

A matrix product in float32 adds in an order that depends on the number of rows, on a row's position and on the
processor, and the order can change the last digit. Doubles add integers up to 2^53 exactly. So each term (a weight
times a value) is rounded to an integer number of units of 2^-30, and bounded so that the sum stays below 2^53 units.
This holds for any processor, and for any implementation of the product.
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

from churn_api.training.graphs.linear_sum import EXACT_SUM

_UNIT = 2.0**-30
_MOST_UNITS = 51
_FLOAT, _DOUBLE = onnx_proto.TensorProto.FLOAT, onnx_proto.TensorProto.DOUBLE


class _Terms(NamedTuple):
    """The terms of a sum."""

    values: Any
    """Columns of integers."""
    units: NDArray[np.float64]
    """The weight of each column, in units."""
    constant: float = 0.0
    """A constant in every row, in units."""


class _Block(NamedTuple):
    """Columns of the classifier's input that one step of the pipeline made."""

    variable: Any
    weights: NDArray[np.float64]
    maker: Any
    """The operator that made them, where known."""

    @property
    def one_hot(self) -> bool:
        """Whether the columns are 0 or 1 only; the terms are then the weights, rounded in advance."""
        return isinstance(self._step, OneHotEncoder) or self.binned

    @property
    def binned(self) -> bool:
        """Whether the columns are one-hot bins of numbers, with at least one inner edge."""
        bins = self._step
        return isinstance(bins, KBinsDiscretizer) and bins.encode.startswith("onehot") and max(bins.n_bins_) > 1

    @property
    def _step(self) -> Any:
        return getattr(self.maker, "raw_operator", None)


def convert_logistic(scope: Any, operator: Any, container: Any) -> None:
    """Convert LogisticRegression: terms in integer units are added as doubles, and the sums rounded to float32."""
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
    # Compiled models do not return labels, but the surrounding converters require this output.
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
    """Terms of numbers of any size: value times weight, rounded to units and bounded."""
    values = _join([block.variable for block in blocks], version)
    scale = (np.concatenate([block.weights for block in blocks]) / _UNIT).astype(np.float32)
    limits = [np.array(limit, np.float32) for limit in (-bound, bound)]
    rounded = OnnxRound(OnnxClip(OnnxMul(values, scale, **version), *limits, **version), **version)
    return _Terms(rounded, np.ones(len(scale)))


def _steps(block: _Block, bound: float, version: dict[str, int]) -> _Terms:
    """Terms of bins as steps: the last bin's weight, plus, per edge above the number, the difference of adjacent bins.

    The sum is the same integer as the weight of the number's bin, with one comparison per edge.
    """
    inner = [edges[1:-1] for edges in block.maker.raw_operator.bin_edges_]
    column = np.repeat(np.arange(len(inner)), [len(edges) for edges in inner])
    numbers = OnnxArrayFeatureExtractor(block.maker.inputs[0], column, **version)
    below = OnnxCast(OnnxLess(numbers, np.concatenate(inner).astype(np.float32), **version), to=_FLOAT, **version)
    each = np.split(_units(block.weights, bound), np.cumsum([len(edges) + 1 for edges in inner])[:-1])
    return _Terms(below, np.concatenate([-np.diff(units) for units in each]), sum(units[-1] for units in each))


def _units(weights: Any, bound: float) -> Any:
    """Weights as integer units, clipped to the bound; the parity check detects a clipped weight."""
    return np.clip(np.rint(weights / _UNIT), -bound, bound)


def _join(variables: Sequence[Any], version: dict[str, int]) -> Any:
    return variables[0] if len(variables) == 1 else OnnxConcat(*variables, axis=1, **version)


def _blocks(variable: Any, weights: NDArray[np.float64], operators: Sequence[Any]) -> list[_Block]:
    """The classifier's input as the blocks it was concatenated from, each with its weights."""
    leaves = list(_leaves(variable, operators))
    widths = [leaf.type.shape[1] for leaf, _ in leaves]
    if None in widths or sum(widths) != len(weights):
        return [_Block(variable, weights, None)]
    parts = np.split(weights, np.cumsum(widths)[:-1])
    return [_Block(leaf, part, maker) for (leaf, maker), part in zip(leaves, parts, strict=True)]


def _leaves(variable: Any, operators: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The variables that were concatenated to a variable, each with the operator that made it."""
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
