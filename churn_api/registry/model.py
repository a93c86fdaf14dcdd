"""A model in memory, loaded from a bundle and verified."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.example import example_value
from churn_api.contract.lenient_reader import LenientReader
from churn_api.contract.record_schema import identifier_names
from churn_api.registry.bin_counts import BinCounter
from churn_api.registry.bundle import (
    JOBLIB_FILE,
    ONNX_FILE,
    BundleError,
    read_any_card,
    read_artefact,
    read_card,
    verify_files,
)
from churn_api.registry.card import Card
from churn_api.registry.decision import CostsInForce, Decision, decision_of
from churn_api.registry.equal_probabilities import equal_probabilities
from churn_api.registry.loaded_reasons import Explainer, LoadedReasons, load_reasons
from churn_api.registry.model_errors import NoReasons
from churn_api.registry.tensor_model import TensorModel, load_tensor_model
from churn_api.scoring.scorer import Scorer

ROWS_TRIED = 500
"""The block size that workers score with."""

_INSTALL = "pip install 'churn-api[train]'"


class Model(NamedTuple):
    """A loaded model. Immutable: a request that holds one sees no change."""

    card: Card
    reader: BatchReader
    lenient_reader: LenientReader
    scorer: Scorer
    reasons: LoadedReasons = LoadedReasons(None)
    bins: BinCounter | None = None
    """Counts what is predicted, for a comparison with the baseline; None where the card has none."""
    costs: CostsInForce | None = None
    """The costs that its decisions follow; None where the card's threshold decides."""
    decision: Decision | None = None
    """That of the costs."""

    @classmethod
    def of(cls, card: Card, scorer: Scorer) -> Self:
        """A model without reasons, with readers for its signature."""
        reader = BatchReader(card.signature)
        return cls(card, reader, LenientReader(reader), scorer)

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """Probabilities of churn, shape (n,). Empty for zero rows, on which a compiled model may not run."""
        return self.scorer.score(columns) if columns.rows else np.empty(0)

    def with_costs(self, in_force: CostsInForce | None) -> Self:
        """The same model, whose decisions follow costs.

        The card's threshold decides without any, and where the signature lacks the feature that they take the value of
        a customer from.
        """
        decision = decision_of(self.card.signature, self.card.policy.threshold, in_force)
        if decision.policy is None:
            return self._replace(costs=None, decision=None)
        return self._replace(costs=in_force, decision=decision)

    def decided_by(self, threshold: float | None) -> Decision:
        """The decision of a request that names this threshold, or none.

        No other line of this program chooses between the thresholds of request, costs and card.
        """
        if threshold is not None:
            return Decision(threshold)
        return self.decision or Decision(self.card.policy.threshold)

    @property
    def field_names(self) -> frozenset[str]:
        """The names of a record's members, which metrics may name."""
        signature = self.card.signature
        return frozenset((*(feature.name for feature in signature.features), *identifier_names(signature)))

    def try_out(self) -> None:
        """Score one row, and as many as a worker scores at once, with reasons where there are some.

        Raises BundleError where the result is not probabilities, or where reasons change them.
        """
        row = tuple(map(example_value, self.card.signature.features))
        for rows in (1, ROWS_TRIED):
            columns = ColumnsBuilder(self.card.signature).build_from_rows([row] * rows)
            try:
                scored = self.score(columns)
            except Exception as error:  # ONNX Runtime's own errors share no base class
                raise BundleError(f"an example record cannot be scored ({type(error).__name__})") from error
            if scored.shape != (rows,) or not np.all((scored >= 0) & (scored <= 1)):
                raise BundleError("an example record gets no probability")
            if self.reasons.explainer is not None:
                _explain(self.reasons.explainer, columns, scored)

    def explainer(self) -> Explainer:
        """What explains its predictions. Raises NoReasons."""
        if self.reasons.explainer is None:
            raise NoReasons(self.reasons.why_none)
        return self.reasons.explainer


AnyModel = Model | TensorModel


def load_any_model(folder: Path, digest: str | None = None) -> AnyModel:
    """Load a bundle of either kind, as `load_model` and `load_tensor_model` do. Raises BundleError."""
    card = read_any_card(folder, digest)
    return _load(folder, card) if isinstance(card, Card) else load_tensor_model(folder, card)


def load_model(folder: Path, digest: str | None = None, *, anywhere: bool = False) -> Model:
    """Load a bundle, and check the digests of its files, its golden rows, and the card's digest where it is given.

    Where its reasons cannot be used, the model has none, and a warning is logged.
    `anywhere`: the folder need not be named after the model and its version. Raises BundleError.
    """
    return _load(folder, read_card(folder, digest, anywhere=anywhere))


def _load(folder: Path, card: Card) -> Model:
    verify_files(folder, card)
    scorer = _scorer(folder, card)
    model = Model.of(card, scorer)
    _check_golden_rows(model)
    return model._replace(reasons=load_reasons(folder, card, scorer), bins=_bin_counter(card))


def _bin_counter(card: Card) -> BinCounter | None:
    try:
        return None if card.baseline is None else BinCounter(card.signature, card.baseline.features)
    except ValueError as error:
        raise BundleError(str(error)) from error


def _scorer(folder: Path, card: Card) -> Scorer:
    if card.scorer == "sklearn":
        return _sklearn_scorer(folder, card)
    graph = read_artefact(folder, card, ONNX_FILE)
    # Imported here: processes that only read cards do not load ONNX Runtime.
    from churn_api.scoring.onnx import OnnxScorer

    try:
        return OnnxScorer(graph)
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise BundleError(f"{ONNX_FILE} cannot be loaded ({type(error).__name__})") from error


def _sklearn_scorer(folder: Path, card: Card) -> Scorer:
    """Unpickle the pipeline, after checking its digest and that the scikit-learn version is the one that wrote it."""
    written_with = card.libraries.get("scikit-learn")
    try:
        installed = version("scikit-learn")
    except PackageNotFoundError as error:
        raise BundleError(f"it serves from scikit-learn, which is not installed: {_INSTALL}") from error
    if installed != written_with:
        raise BundleError(f"it was packaged with scikit-learn {written_with}, and {installed} is installed")
    data = read_artefact(folder, card, JOBLIB_FILE)
    try:
        # Imported here: a worker that serves ONNX models does not load scikit-learn and pandas.
        from churn_api.scoring.sklearn import SklearnScorer

        return SklearnScorer.from_joblib(data, card.signature)
    except ImportError as error:
        raise BundleError(f"{JOBLIB_FILE} needs {error.name}, which is not installed: {_INSTALL}") from error
    except Exception as error:
        raise BundleError(f"{JOBLIB_FILE} cannot be loaded ({type(error).__name__})") from error


def _check_golden_rows(model: Model) -> None:
    golden = model.card.golden
    try:
        columns = ColumnsBuilder(model.card.signature).build_from_rows(golden.rows)
        # ONNX Runtime plans its memory at its first run: single records are faster where that had one row.
        model.scorer.score(columns.take([0]))
        scored = model.scorer.score(columns)
    except Exception as error:
        raise BundleError(f"its golden rows cannot be scored ({type(error).__name__})") from error
    expected = np.array(golden.probabilities)
    if scored.shape != expected.shape or not np.all(equal_probabilities(scored, expected, model.card.parity)):
        raise BundleError("its golden rows get other probabilities than when it was packaged")


def _explain(explainer: Explainer, columns: Columns, scored: NDArray[np.float64]) -> None:
    try:
        explained = explainer.explain(columns)
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise BundleError(f"an example record cannot be explained ({type(error).__name__})") from error
    if not np.all(np.isfinite(explained.contributions)) or not np.array_equal(explained.probabilities, scored):
        raise BundleError("with its reasons an example record gets another probability")
