"""A converter of our own for logistic regression: a sum that is the same double in whatever order it is added.

A matrix product in float32 adds in an order that depends on the number of rows, on a row's position and on the
processor, and another order can change the last digit. Whole numbers have no such digit: doubles add them without
rounding up to 2^53. So each term (a weight times a value) is rounded to whole units of 2^-30 and bounded such that all
terms together stay below 2^52 units. This holds for any processor, and for any way to compute the product.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from skl2onnx.algebra.onnx_ops import (
    OnnxArgMax,
    OnnxCast,
    OnnxClip,
    OnnxConcat,
    OnnxGemm,
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
_MOST_UNITS = 52
_FLOAT, _DOUBLE = onnx_proto.TensorProto.FLOAT, onnx_proto.TensorProto.DOUBLE


class _Block(NamedTuple):
    """Columns of the classifier's input that one step of the pipeline made."""

    variable: Any
    weights: NDArray[np.float64]
    one_hot: bool
    """Whether they hold nothing but 0 and 1: then the terms are the weights, rounded beforehand."""


def convert_logistic(scope: Any, operator: Any, container: Any) -> None:
    """Scores of both classes: each term in whole units, added as doubles, and only then rounded to float32."""
    model = operator.raw_operator
    if len(model.classes_) != 2 or not isinstance(operator.inputs[0].type, FloatTensorType):
        convert_sklearn_linear_classifier(scope, operator, container)
        return
    version = {"op_version": container.target_opset}
    weights, intercept = np.asarray(model.coef_[0], np.float64), float(model.intercept_[0])
    bound = 2.0 ** (_MOST_UNITS - math.ceil(math.log2(len(weights) + 1)))
    terms, factors = _terms(_blocks(operator.inputs[0], weights, list(scope.operators.values())), bound, version)
    positive, offset = factors * _UNIT, _units(intercept, bound) * _UNIT
    sums = OnnxGemm(
        OnnxCast(terms, to=_DOUBLE, **version),
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


def _terms(blocks: list[_Block], bound: float, version: dict[str, int]) -> tuple[Any, NDArray[np.float64]]:
    """What to add, joined, and how many units one of each is worth: measured columns are in units, others 0 or 1."""
    measured, one_hot = [block for block in blocks if not block.one_hot], [block for block in blocks if block.one_hot]
    terms, factors = [block.variable for block in one_hot], [_units(block.weights, bound) for block in one_hot]
    if measured:
        values = _join([block.variable for block in measured], version)
        scale = (np.concatenate([block.weights for block in measured]) / _UNIT).astype(np.float32)
        limits = [np.array(limit, np.float32) for limit in (-bound, bound)]
        terms.insert(0, OnnxRound(OnnxClip(OnnxMul(values, scale, **version), *limits, **version), **version))
        factors.insert(0, np.ones(len(scale)))
    return _join(terms, version), np.concatenate(factors)


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
        return [_Block(variable, weights, one_hot=False)]
    parts = np.split(weights, np.cumsum(widths)[:-1])
    return [_Block(leaf, part, one_hot) for (leaf, one_hot), part in zip(leaves, parts, strict=True)]


def _leaves(variable: Any, operators: Sequence[Any]) -> Iterator[tuple[Any, bool]]:
    """What was joined to a variable, and whether it is one-hot."""
    maker = next((operator for operator in operators if _names(operator.outputs) == [variable.onnx_name]), None)
    if maker is None or maker.type != "SklearnConcat" or not _all_float(maker.inputs):
        yield variable, maker is not None and _is_one_hot(maker.raw_operator)
        return
    for joined in maker.inputs:
        yield from _leaves(joined, operators)


def _names(variables: Iterable[Any]) -> list[str]:
    return [variable.onnx_name for variable in variables]


def _all_float(variables: Iterable[Any]) -> bool:
    return all(isinstance(variable.type, FloatTensorType) for variable in variables)


def _is_one_hot(step: Any) -> bool:
    if isinstance(step, KBinsDiscretizer):
        return str(step.encode).startswith("onehot")
    return isinstance(step, OneHotEncoder)
