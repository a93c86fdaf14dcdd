"""Quantile bins in ONNX: a converter of six nodes for all columns, where skl2onnx's own writes twelve for each."""

from typing import Any

import numpy as np
from skl2onnx.algebra.onnx_ops import OnnxCast, OnnxGather, OnnxLess, OnnxSub
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.proto import onnx_proto
from sklearn.preprocessing import KBinsDiscretizer

ENCODING = "onehot-dense"


def converters(classifier: Any) -> dict[str, dict[type, Any]]:
    """What to hand to convert_sklearn for a classifier: nothing where its bins are encoded in another way."""
    parts = [part for part in classifier.get_params(deep=True).values() if isinstance(part, KBinsDiscretizer)]
    if not parts or any(part.encode != ENCODING for part in parts):
        return {}
    return {
        "custom_conversion_functions": {KBinsDiscretizer: _convert},
        "custom_shape_calculators": {KBinsDiscretizer: _shape},
    }


def _shape(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([None, int(sum(operator.raw_operator.n_bins_))])


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """One column a bin: 1 where the value is below the bin's upper edge and not below its lower one."""
    inner = [edges[1:-1] for edges in operator.raw_operator.bin_edges_]
    column = np.concatenate([np.full(len(edges) + 1, index) for index, edges in enumerate(inner)]).astype(np.int64)
    lower = np.concatenate([[-np.inf, *edges] for edges in inner]).astype(np.float32)
    upper = np.concatenate([[*edges, np.inf] for edges in inner]).astype(np.float32)
    version = {"op_version": container.target_opset}
    values = OnnxGather(operator.inputs[0], column, axis=1, **version)
    below = [
        OnnxCast(OnnxLess(values, edges, **version), to=onnx_proto.TensorProto.FLOAT, **version)
        for edges in (upper, lower)
    ]
    OnnxSub(*below, output_names=operator.outputs, **version).add_to(scope, container)
