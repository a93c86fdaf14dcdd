"""Versions of a model: registered from the models folder, unloaded, and made live. A rollback is the last call."""

import os

import httpx

from churn_client import Client

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
MODELS = f"{URL}/api/v1/models"
HEADERS = {"X-API-Key": KEY} if KEY else {}

print(httpx.post(MODELS, json={"path": "default/1"}, headers=HEADERS).raise_for_status().json())
print(httpx.delete(f"{MODELS}/default", headers=HEADERS).json())  # the default model is refused: it has to answer

with Client(URL, KEY) as client:
    print(client.models.make_live("default", 1))
