"""Money: what a call costs and a kept customer is worth, and the threshold that follows."""

import os

import httpx

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
COSTS = {"offer": 10, "contact": 1, "value": "monthly_charges", "months": 12, "margin": 0.5, "success": 0.3}

with httpx.Client(base_url=f"{URL}/api/v1/models/default", headers={"X-API-Key": KEY} if KEY else {}) as model:
    for answer in (model.put("/costs", json=COSTS), model.get("/costs")):
        print(answer.raise_for_status().json())
    for name, point in model.get("/profit").raise_for_status().json()["at"].items():
        print(name, point["threshold"], point["called"], point["profit"])
    print(model.delete("/costs").raise_for_status().json()["policy"])
