"""Transformers as nodes of a graph."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from churn_api.training.graphs import category_tables
from churn_api.training.graphs.column_blocks import Bins, Block, Dense, Features, Input, as_block
from churn_api.training.graphs.graph_writer import GraphWriter, UnsupportedStepError

Transform = Callable[[GraphWriter, Any, Input], Input]


def transform(graph: GraphWriter, step: Any, value: Input) -> Input:
    """Write one fitted transformer. Raises UnsupportedStepError."""
    if step is None or step == "passthrough":
        return value
    for kind, rule in _RULES.items():
        if isinstance(step, kind):
            return rule(graph, step, value)
    raise UnsupportedStepError(f"{type(step).__name__} has no rule for doubles")


def _pipeline(graph: GraphWriter, step: Pipeline, value: Input) -> Input:
    for _, inner in step.steps:
        value = transform(graph, inner, value)
    return value


def _union(graph: GraphWriter, step: FeatureUnion, value: Input) -> Input:
    if step.transformer_weights:
        raise UnsupportedStepError("FeatureUnion with weights has no rule for doubles")
    kept = [inner for _, inner in step.transformer_list if inner != "drop"]
    return _joined([as_block(graph, transform(graph, inner, value)) for inner in kept])


def _columns(graph: GraphWriter, step: ColumnTransformer, value: Input) -> Input:
    if step.transformer_weights:
        raise UnsupportedStepError("ColumnTransformer with weights has no rule for doubles")
    names = value.names if isinstance(value, Features) else list(map(str, range(value.width)))
    blocks = []
    for _, inner, columns in step.transformers_:
        chosen = _indices(columns, names)
        if chosen and not (isinstance(inner, str) and inner == "drop"):
            blocks.append(as_block(graph, transform(graph, inner, value.take(graph, chosen))))
    return _joined(blocks)


def _indices(columns: Any, names: list[str]) -> list[int]:
    """Columns given by name, position, mask or slice, as positions."""
    wanted = [columns] if isinstance(columns, str) else columns if isinstance(columns, list) else []
    if unknown := [name for name in wanted if isinstance(name, str) and name not in names]:
        raise UnsupportedStepError(f"the column {unknown[0]!r} of a step before has no rule for doubles")
    if isinstance(columns, str):
        return [names.index(columns)]
    if isinstance(columns, slice):
        # Unlike positions, a slice by names includes its end.
        start = names.index(columns.start) if isinstance(columns.start, str) else columns.start
        stop = names.index(columns.stop) + 1 if isinstance(columns.stop, str) else columns.stop
        return list(range(len(names))[start : stop : columns.step])
    listed = np.asarray(columns).tolist() if np.ndim(columns) else [columns]
    if listed and isinstance(listed[0], bool):
        return [index for index, kept in enumerate(listed) if kept]
    return [names.index(column) if isinstance(column, str) else range(len(names))[int(column)] for column in listed]


def _joined(blocks: list[Block]) -> Block:
    if len({block.text for block in blocks}) != 1:
        raise UnsupportedStepError("columns of texts reach the classifier: encode them first")
    return Block(tuple(part for block in blocks for part in block.parts))


def _identity(graph: GraphWriter, step: FunctionTransformer, value: Input) -> Input:
    del graph
    if step.func is not None:
        raise UnsupportedStepError(
            "FunctionTransformer runs Python code: compute its columns before training, and declare them as features"
        )
    return value


def _impute(graph: GraphWriter, step: SimpleImputer, value: Input) -> Input:
    block = as_block(graph, value)
    missing = step.missing_values
    if not (missing is None or (isinstance(missing, float) and np.isnan(missing))):
        raise UnsupportedStepError("SimpleImputer of another marker than NaN has no rule for doubles")
    if block.text:
        return _impute_texts(graph, step, block)
    kept = [index for index, fill in enumerate(step.statistics_) if not np.isnan(fill)]
    numbers = block.take(graph, kept)
    if not kept:
        raise UnsupportedStepError("a column without any value is imputed")
    name = numbers.dense(graph)
    fills = graph.constant(np.asarray(step.statistics_, np.float64)[kept])
    filled = Dense(graph.add("Where", graph.add("IsNaN", name), fills, name), len(kept))
    if not step.add_indicator or len(step.indicator_.features_) == 0:
        return Block((filled,))
    flagged = block.take(graph, step.indicator_.features_.tolist())
    flags = graph.double(graph.add("IsNaN", flagged.dense(graph)))
    return Block((filled, Dense(flags, flagged.width, binary=True)))


def _impute_texts(graph: GraphWriter, step: SimpleImputer, block: Block) -> Block:
    """A missing text is the empty one."""
    if step.add_indicator or not all(isinstance(fill, str) for fill in step.statistics_):
        raise UnsupportedStepError("SimpleImputer of texts with an indicator or without a text to fill in")
    name = block.dense(graph)
    empty = graph.add("Equal", name, graph.constant(np.array([""], object)))
    fills = graph.constant(np.array(step.statistics_, object))
    return Block((Dense(graph.add("Where", empty, fills, name), block.width, text=True),))


def _scale(operations: tuple[tuple[str, str], ...], graph: GraphWriter, step: Any, value: Input) -> Input:
    """Apply (operator, attribute) pairs in scikit-learn's order; an attribute that is None does nothing."""
    block = as_block(graph, value)
    name = block.dense(graph)
    for operator, attribute in operations:
        constant = getattr(step, attribute)
        if constant is not None:
            name = graph.add(operator, name, graph.constant(np.asarray(constant, np.float64)))
    if getattr(step, "clip", False):
        bounds = [graph.constant(np.float64(bound)) for bound in step.feature_range]
        name = graph.add("Clip", name, *bounds)
    return Block((Dense(name, block.width),))


def _standard(graph: GraphWriter, step: StandardScaler, value: Input) -> Input:
    steps = [("Sub", "mean_")] * step.with_mean + [("Div", "scale_")] * step.with_std
    return _scale(tuple(steps), graph, step, value)


def _bins(graph: GraphWriter, step: KBinsDiscretizer, value: Input) -> Input:
    block = as_block(graph, value)
    edges = tuple(np.asarray(column[1:-1], np.float64) for column in step.bin_edges_)
    if step.encode == "ordinal":
        return Block((Dense(_bin_numbers(graph, block.dense(graph), edges), block.width),))
    if not any(len(inner) for inner in edges):
        raise UnsupportedStepError("KBinsDiscretizer of constant columns has no rule for doubles: leave them out")
    return Block((Bins(block.dense(graph), edges),))


def _bin_numbers(graph: GraphWriter, values: str, edges: Sequence[NDArray[np.float64]]) -> str:
    """Per column, how many of its inner edges are at most the value: a comparison for the i-th edge of all columns."""
    padded = np.full((max(1, *map(len, edges)), len(edges)), np.inf)
    for column, inner in enumerate(edges):
        padded[: len(inner), column] = inner
    reached = [graph.double(graph.add("GreaterOrEqual", values, graph.constant(level))) for level in padded]
    return reached[0] if len(reached) == 1 else graph.add("Sum", *reached)


def _one_hot(graph: GraphWriter, step: OneHotEncoder, value: Input) -> Input:
    block = as_block(graph, value)
    if step.min_frequency is not None or step.max_categories is not None:
        raise UnsupportedStepError("OneHotEncoder that groups rare categories has no rule for doubles")
    dropped = [None] * block.width if step.drop_idx_ is None else step.drop_idx_
    pairs = [
        (column, category)
        for column, (categories, left_out) in enumerate(zip(step.categories_, dropped, strict=True))
        for index, category in enumerate(categories)
        if index != left_out
    ]
    column = np.array([index for index, _ in pairs])
    if block.text:
        name, expected = category_tables.numbered(graph, block, pairs)
    else:
        name, expected = block.dense(graph), np.array([category for _, category in pairs], np.float64)
    equal = graph.add("Equal", graph.extract(name, column), graph.constant(expected))
    return Block((Dense(graph.double(equal), len(pairs), binary=True),))


def _ordinal(graph: GraphWriter, step: OrdinalEncoder, value: Input) -> Input:
    if step.min_frequency is not None or step.max_categories is not None:
        raise UnsupportedStepError("OrdinalEncoder that groups rare categories has no rule for doubles")
    block = as_block(graph, value)
    unknown = step.unknown_value if step.handle_unknown == "use_encoded_value" else np.nan
    codes = [_codes(categories, step.encoded_missing_value) for categories in step.categories_]
    return Block((category_tables.lookup(graph, block, codes, [float(unknown)] * block.width),))


def _codes(categories: Any, missing: float) -> list[tuple[Any, float]]:
    return [
        (category, float(missing) if category_tables.is_missing(category) else float(code))
        for code, category in enumerate(categories)
    ]


def _target_encoded(graph: GraphWriter, step: TargetEncoder, value: Input) -> Input:
    if step.target_type_ == "multiclass":
        raise UnsupportedStepError("TargetEncoder of more than two classes has no rule for doubles")
    block = as_block(graph, value)
    codes = [
        list(zip(categories, map(float, encodings), strict=True))
        for categories, encodings in zip(step.categories_, step.encodings_, strict=True)
    ]
    return Block((category_tables.lookup(graph, block, codes, [float(step.target_mean_)] * block.width),))


def _select(graph: GraphWriter, step: SelectorMixin, value: Input) -> Input:
    return as_block(graph, value).take(graph, step.get_support(indices=True).tolist())


_RULES: dict[type[BaseEstimator], Transform] = {
    Pipeline: _pipeline,
    FeatureUnion: _union,
    ColumnTransformer: _columns,
    FunctionTransformer: _identity,
    SimpleImputer: _impute,
    StandardScaler: _standard,
    MinMaxScaler: partial(_scale, (("Mul", "scale_"), ("Add", "min_"))),
    MaxAbsScaler: partial(_scale, (("Div", "scale_"),)),
    RobustScaler: partial(_scale, (("Sub", "center_"), ("Div", "scale_"))),
    KBinsDiscretizer: _bins,
    OneHotEncoder: _one_hot,
    TargetEncoder: _target_encoded,
    OrdinalEncoder: _ordinal,
    SelectorMixin: _select,
}
