"""Remarks on columns of more texts than can be listed: in which form the model learned from them."""

from collections.abc import Iterator

import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from churn_api.contract.remark import Remark
from churn_api.tables.inference import MAX_CHOICES


def encoding_remarks(pipeline: Pipeline, frame: pd.DataFrame) -> Iterator[Remark]:
    """A remark on each column of more than 50 texts, from the fitted pipeline of a candidate."""
    for _, encoder, names in pipeline.named_steps["columns"].transformers_:
        if isinstance(encoder, TargetEncoder | OneHotEncoder):
            for name, categories in zip(names, encoder.categories_, strict=True):
                values = frame[name].nunique()
                if values > MAX_CHOICES:
                    done, other = _form(encoder, len(categories), values)
                    yield Remark(
                        column=name,
                        seen=f"has {values:,} different texts",
                        done=done,
                        option=f"{other}, --exclude {name!r} to leave it out",
                    )


def _form(encoder: TargetEncoder | OneHotEncoder, categories: int, values: int) -> tuple[str, str]:
    """What was done with the texts, and what to write to have the other form."""
    if isinstance(encoder, TargetEncoder):
        done = "each is replaced by its rate of churn (target encoding)"
        return done, f"--estimator logistic to learn from the {MAX_CHOICES} most frequent"
    done = f"the {categories:,} most frequent are categories, and the others none of them"
    if categories >= values:
        done = "each of the declared choices is a category"
    return done, "--estimator boosting or wide for target encoding"
