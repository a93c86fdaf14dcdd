"""Other learners on the rows and the folds of a training, each in a process of its own: its memory is its own.

`prepare FOLDER TABLE OPTIONS` writes the rows, `peer FOLDER NAME` evaluates a learner on them, `fits TABLE OPTIONS`
times one fit of ours and one of LightGBM's. LightGBM is in the environment of the peers.
"""

import json
import site
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from benchmarks.servers import ROOT
from churn_api.cli.table_options import table_options, training_options
from churn_api.serving.process_engine import cores
from churn_api.training.candidates import CANDIDATES, Learning
from churn_api.training.evaluation_metrics import metrics
from churn_api.training.evaluation_options import EvaluationOptions
from churn_api.training.preparation import TrainingData, prepare
from churn_api.training.splits import splits
from churn_api.training.validation import fit

MOST_CATEGORIES = 255
"""Of a column that scikit-learn splits into sets; more are numbered."""
REPEATED_SECONDS = 20.0
MOST_FITS = 5


@click.group()
def main() -> None:
    """Run one step of the benchmark."""


@main.command("prepare")
@click.argument("folder", type=click.Path(path_type=Path))
@table_options
def write_rows(folder: Path, **chosen: Any) -> None:
    """Write the features, labels and folds of a training table."""
    data = _prepared(chosen)
    folder.mkdir()
    data.frame.to_parquet(folder / "frame.parquet")
    np.save(folder / "labels.npy", data.labels)
    fold = np.empty(len(data.labels), np.int64)
    for number, (_, held_out) in enumerate(splits(data.labels, EvaluationOptions(), None, Learning().seed)):
        fold[held_out] = number
    np.save(folder / "folds.npy", fold)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("name", type=click.Choice(["scikit-learn", "lightgbm"]))
def peer(folder: Path, name: str) -> None:
    """Print the metrics of a learner with its default settings, as means over the folds."""
    frame = _categorical(pd.read_parquet(folder / "frame.parquet"))
    labels, folds = np.load(folder / "labels.npy"), np.load(folder / "folds.npy")
    measured = []
    for fold in range(folds.max() + 1):
        held_out = folds == fold
        learner = PEERS[name]().fit(frame[~held_out], labels[~held_out])
        measured.append(metrics(labels[held_out], learner.predict_proba(frame[held_out])[:, 1]))
    print(json.dumps({metric: float(np.mean([one[metric] for one in measured])) for metric in measured[0]}))


@main.command()
@table_options
def fits(**chosen: Any) -> None:
    """Print the seconds of a fit of `wide`, and of one of LightGBM with the same rounds and leaves."""
    data, learning = _prepared(chosen), Learning()
    settings = learning.of("wide")
    wide, ours = _fastest(
        lambda: fit(CANDIDATES["wide"](data.signature, data.columns, learning), data.frame, data.labels)
    )
    rounds = int(wide.named_steps["classifier"].n_iter_)
    frame = _categorical(data.frame)
    _, theirs = _fastest(
        lambda: _lightgbm(
            n_estimators=rounds,
            num_leaves=settings["max_leaves"],
            max_depth=settings["max_depth"],
            learning_rate=settings["learning_rate"],
            min_child_samples=settings["min_leaf"],
        ).fit(frame, data.labels)
    )
    print(json.dumps({"rounds": rounds, "wide": ours, "lightgbm": theirs}))


def _prepared(chosen: dict[str, Any]) -> TrainingData:
    return prepare(chosen.pop("table"), training_options(chosen))


def _fastest(run: Callable[[], Any]) -> tuple[Any, float]:
    """The last result, and the shortest of several runs: other work on the machine only adds to them."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < MOST_FITS and sum(seconds) < REPEATED_SECONDS):
        started = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - started)
    return result, min(seconds)


def _categorical(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with categories, or with their numbers where they are too many."""
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind != "f":
            column = column.astype("category")
            if len(column.cat.categories) > MOST_CATEGORIES:
                column = column.cat.codes.astype(float)
        columns[name] = column
    return pd.DataFrame(columns)


def _scikit_learn() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)


def _lightgbm(**settings: Any) -> Any:
    for folder in (ROOT / ".venv-bench" / "lib").glob("python*/site-packages"):
        site.addsitedir(str(folder))
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_jobs=cores(), random_state=0, verbose=-1, **settings)


PEERS: dict[str, Callable[[], Any]] = {"scikit-learn": _scikit_learn, "lightgbm": _lightgbm}

if __name__ == "__main__":
    sys.exit(main())
