"""Many customers: as mappings, and as a DataFrame; a fault names the row."""

import os

import pandas as pd

from churn_client import Client, InvalidRequest

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
CUSTOMERS = [
    {"customer_id": 1, "age": 35, "tenure": 24, "monthly_charges": 65.50},
    {"customer_id": 2, "age": 61, "tenure": 2, "monthly_charges": 94.10, "contract": "Month-to-month"},
]

with Client(URL, KEY) as client:
    for prediction in client.predict_many(CUSTOMERS):
        print(prediction.customer_id, prediction.churn_probability)

    frame = pd.DataFrame(CUSTOMERS)
    print(frame.join(client.predict_many(frame, model="default")))

    try:
        client.predict_many([*CUSTOMERS, {"customer_id": 3, "age": "61"}])
    except InvalidRequest as error:
        print([(fault.position, fault.pointer, fault.message) for fault in error.faults])
