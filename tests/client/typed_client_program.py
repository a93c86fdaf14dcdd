"""A stranger's program, which type checkers read: they find an error in the lines that say so, and in no other."""

import pandas as pd

from churn_client import AsyncClient, Client, Fault, InvalidRequest, Model, Prediction

record = {"tenure": 3, "Contract": "One year"}
with Client("http://127.0.0.1:8000", "key", retries=5, headers={"Accept-Language": "de"}) as client:
    one: Prediction = client.predict(record, threshold=0.5, version=2, reasons=3, what_if=1)
    many: list[Prediction] = client.predict_many([record, record], model="telco")
    scored: pd.DataFrame = client.predict_many(pd.DataFrame([record]))
    models: list[Model] = client.models.list()
    risk: tuple[float, int, str] = (one.churn_probability, one.churn_prediction, one.risk_band)
    areas: list[float] = [
        one.roc_auc.value for one in client.models.quality("telco").versions[0].windows if one.roc_auc
    ]
    profit: float | None = call_list.expected_profit if (call_list := client.jobs.get("1").call_list) else None
    features: list[str] = [reason.feature for reason in one.reasons]


def faults(rows: list[dict[str, float]]) -> list[Fault]:
    try:
        client.predict_many(rows)
    except InvalidRequest as error:
        return [fault for fault in error.faults if fault.position is not None]
    return []


async def probability() -> float:
    async with AsyncClient("http://127.0.0.1:8000") as client:
        one: Prediction = await client.predict(record)
        many: list[Prediction] = await client.predict_many([record])
        return one.churn_probability + many[0].churn_probability


client.jobs.submit("customers.csv", call_list={"budgte": 5000})  # wrong
client.predict([record])  # wrong
client.predict(record, treshold=0.5)  # wrong
client.predict(record, threshold="0.5")  # wrong
client.predict_many(record)  # wrong
client.predict_many([record], what_if=2)  # wrong
Client("http://127.0.0.1:8000", retires=3)  # wrong
_ = one.probabilty  # wrong
one.threshold = 0.5  # wrong
