"""Models: their versions, a card, what moves predictions, what training measured, whether it still holds."""

import os

import httpx

from churn_client import Client

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")

with Client(URL, KEY) as client:
    print([(model.name, model.versions, model.live) for model in client.models.list()])
    print(client.models.get("default").policy)
    for feature in client.models.explanation("default").features:
        print(feature.feature, feature.importance)

headers = {"X-API-Key": KEY} if KEY else {}
for what in ("report", "watch", "quality"):
    answer = httpx.get(f"{URL}/api/v1/models/default/{what}", headers=headers).raise_for_status()
    print(what, sorted(answer.json()))
