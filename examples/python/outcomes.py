"""Outcomes: who left and when; until which day all leavers are reported."""

import os

import httpx

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
OUTCOMES = [
    {"customer_id": "CUST001", "left": True, "on": "2026-06-12"},
    {"customer_id": "CUST002", "left": False, "on": "2026-06-30", "contacted": True, "kept_by": "a discount"},
]

with httpx.Client(base_url=f"{URL}/api/v1", headers={"X-API-Key": KEY} if KEY else {}) as client:
    receipt = client.post("/outcomes", json={"outcomes": OUTCOMES}).raise_for_status().json()
    print({name: count for name, count in receipt.items() if count})
    answer = client.post("/outcomes/complete", json={"until": "2026-06-30"}).raise_for_status()
    print(answer.json())
