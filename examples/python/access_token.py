"""A key for a token that is valid for minutes and may only predict; and a prediction with it."""

import os

from churn_client import Client

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")

with Client(URL, KEY) as client:
    token = client.token(["predict"])
with Client(URL, token.access_token) as client:
    print(client.predict({"age": 35, "tenure": 24, "monthly_charges": 65.50}).churn_probability)
