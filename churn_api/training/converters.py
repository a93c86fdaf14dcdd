"""Custom skl2onnx converters: quantile bins and one-hot categories in a few ONNX nodes for all columns together.

skl2onnx's own converters write a dozen nodes per column for bins, and one per column for categories; for a single row
the number of nodes determines the cost.
"""

from typing import Any

import numpy as np
from skl2onnx.algebra.onnx_ops import (
    OnnxArrayFeatureExtractor,
    OnnxCast,
    OnnxConcat,
    OnnxEqual,
    OnnxLabelEncoder,
    OnnxLess,
    OnnxSub,
)
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from skl2onnx.operator_converters.k_bins_discretiser import convert_sklearn_k_bins_discretiser
from skl2onnx.operator_converters.one_hot_encoder import convert_sklearn_one_hot_encoder
from skl2onnx.proto import onnx_proto
from skl2onnx.shape_calculators.k_bins_discretiser import calculate_sklearn_k_bins_discretiser
from skl2onnx.shape_calculators.one_hot_encoder import calculate_sklearn_one_hot_encoder_output_shapes
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from churn_api.training.exact_sum import convert_logistic

_FLOAT = onnx_proto.TensorProto.FLOAT
_UNKNOWN = -1.0


def convert_bins(scope: Any, operator: Any, container: Any) -> None:
    """Convert KBinsDiscretizer to one column per bin: 1 where lower edge <= value < upper edge."""
    bins = operator.raw_operator
    if bins.encode != "onehot-dense":
        convert_sklearn_k_bins_discretiser(scope, operator, container)
        return
    inner = [edges[1:-1] for edges in bins.bin_edges_]
    column = np.concatenate([np.full(len(edges) + 1, index) for index, edges in enumerate(inner)]).astype(np.int64)
    lower = np.concatenate([[-np.inf, *edges] for edges in inner]).astype(np.float32)
    upper = np.concatenate([[*edges, np.inf] for edges in inner]).astype(np.float32)
    version = {"op_version": container.target_opset}
    values = OnnxArrayFeatureExtractor(operator.inputs[0], column, **version)
    below = [OnnxCast(OnnxLess(values, edges, **version), to=_FLOAT, **version) for edges in (upper, lower)]
    OnnxSub(*below, output_names=operator.outputs, **version).add_to(scope, container)


def convert_categories(scope: Any, operator: Any, container: Any) -> None:
    """Convert OneHotEncoder to one column per category: texts map to numbers, which are compared."""
    encoder = operator.raw_operator
    if not _is_plain_text_encoder(encoder):
        convert_sklearn_one_hot_encoder(scope, operator, container)
        return
    vocabulary = sorted({category for categories in encoder.categories_ for category in categories})
    number = {category: float(index) for index, category in enumerate(vocabulary)}
    width = [len(categories) for categories in encoder.categories_]
    column = np.repeat(np.arange(len(width)), width)
    expected = np.array([number[category] for categories in encoder.categories_ for category in categories], np.float32)
    version = {"op_version": container.target_opset}
    texts = operator.inputs[0] if len(operator.inputs) == 1 else OnnxConcat(*operator.inputs, axis=1, **version)
    numbers = OnnxLabelEncoder(
        texts, keys_strings=vocabulary, values_floats=list(number.values()), default_float=_UNKNOWN, op_version=2
    )
    equal = OnnxEqual(OnnxArrayFeatureExtractor(numbers, column, **version), expected, **version)
    OnnxCast(equal, to=_FLOAT, output_names=operator.outputs, **version).add_to(scope, container)


def _is_plain_text_encoder(encoder: OneHotEncoder) -> bool:
    """Whether an encoder has one column per text, and zeros for unknown texts."""
    grouped = encoder.min_frequency is not None or encoder.max_categories is not None
    if grouped or encoder.drop is not None or encoder.handle_unknown != "ignore":
        return False
    all_categories = [category for categories in encoder.categories_ for category in categories]
    return np.issubdtype(encoder.dtype, np.floating) and all(isinstance(category, str) for category in all_categories)


CONVERSION = {
    "custom_conversion_functions": {
        KBinsDiscretizer: convert_bins,
        OneHotEncoder: convert_categories,
        LogisticRegression: convert_logistic,
        LogisticRegressionCV: convert_logistic,
    },
    "custom_shape_calculators": {
        KBinsDiscretizer: calculate_sklearn_k_bins_discretiser,
        OneHotEncoder: calculate_sklearn_one_hot_encoder_output_shapes,
        LogisticRegression: calculate_linear_classifier_output_shapes,
        LogisticRegressionCV: calculate_linear_classifier_output_shapes,
    },
}
"""Arguments of convert_sklearn."""
