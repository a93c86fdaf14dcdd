"""A stranger's program, which type checkers read: they find an error in the lines that say so, and in no other."""

from pathlib import Path

import flask
import pandas as pd

import churn_api
from churn_api import Fault, InvalidRecord, Prediction, Predictor, create_app

predictor: Predictor = churn_api.load(Path("models") / "telco" / "1")
record = {"tenure": 3, "Contract": "One year"}
one: Prediction = predictor.predict(record, threshold=0.5)
row: Prediction = predictor.predict(pd.DataFrame([record]).iloc[0])
many: list[Prediction] = predictor.predict_many([record, record])
scored: pd.DataFrame = predictor.predict_many(pd.DataFrame([record]))
risk: tuple[float, int, str, float | None] = (one.probability, one.prediction, one.band, one.threshold)
texts: list[str] = [feature.name for feature in predictor.signature.features] + [predictor.card.version]
warned: tuple[Fault, ...] = one.warnings


def pointers(rows: list[dict[str, float]]) -> list[str]:
    try:
        predictor.predict_many(rows)
    except InvalidRecord as error:
        return [f"{fault.pointer} {fault.code} {fault.message}" for fault in error.faults]
    return []


churn_api.upgrade({"DATABASE_URL": "sqlite:///churn.db"})
app: flask.Flask = create_app()
churn_api.make_live(app, "telco", 1)
live: Predictor = churn_api.predictor(churn_api.init_app(flask.Flask("team")), "telco", version=2)
churn_api.close(app)

churn_api.laod("models/telco/1")  # wrong
churn_api.load(3)  # wrong
predictor.predict([record])  # wrong
predictor.predict(record, threshold="0.5")  # wrong
predictor.predict_many(3)  # wrong
_ = one.probabilty  # wrong
one.probability = 0.5  # wrong
churn_api.predictor("telco")  # wrong
churn_api.create_app(3)  # wrong
