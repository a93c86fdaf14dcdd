"""Two versions beside each other: started, listed, shown with the verdict so far, and stopped. It needs a version 2."""

import os

import httpx

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
EXPERIMENTS = f"{URL}/api/v1/experiments"

with httpx.Client(headers={"X-API-Key": KEY} if KEY else {}) as http:
    started = http.post(EXPERIMENTS, json={"challenger": "2", "mode": "shadow"})
    print(started.json())  # a 404 where there is no version 2
    newest = http.get(EXPERIMENTS, params={"limit": 1}).raise_for_status().json()["experiments"]
    address = f"{EXPERIMENTS}/{newest[0]['id'] if newest else 'none'}"
    shown = http.get(address)
    print(shown.json()["verdict"]["text"] if shown.is_success else "no experiment was started")
    print(http.delete(address).status_code)
