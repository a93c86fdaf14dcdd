"""One customer: by the default model, and by a named one with the strongest reasons and the best changes."""

import os

from churn_client import Client

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
CUSTOMER = {"customer_id": "CUST001", "age": 35, "tenure": 24, "monthly_charges": 65.50}

with Client(URL, KEY) as client:
    print(client.predict(CUSTOMER).churn_probability)

    prediction = client.predict(CUSTOMER, model="default", reasons=3, what_if=2, threshold=0.5)
    for reason in prediction.reasons:
        print(reason.contribution, reason.text)
    for variant in prediction.what_if:
        print(variant.probability, variant.text)
