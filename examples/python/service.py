"""The service: its health, which anyone may ask for; its workers, queue and limits; its metrics."""

import os

import httpx

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")

with httpx.Client(base_url=f"{URL}/api/v1/", headers={"X-API-Key": KEY} if KEY else {}) as http:
    print(http.get("health").raise_for_status().json()["status"])
    print(http.get("status").raise_for_status().json()["limits"])
    print(http.get("metrics").raise_for_status().text[:300])
