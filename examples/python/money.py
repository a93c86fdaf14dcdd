"""Money: what a call costs and a kept customer is worth, the profit that follows, and whom to call."""

import json
import os
import time

import httpx

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
COSTS = {"offer": 10, "contact": 1, "value": "monthly_charges", "months": 12, "margin": 0.5, "success": 0.3}

with httpx.Client(base_url=f"{URL}/api/v1/models/default", headers={"X-API-Key": KEY} if KEY else {}) as model:
    for answer in (model.put("/costs", json=COSTS), model.get("/costs")):
        print(answer.raise_for_status().json())
    for name, point in model.get("/profit").raise_for_status().json()["at"].items():
        print(name, point["threshold"], point["called"], point["profit"])
    table = b"customer_id,age,tenure,monthly_charges\n1,35,24,65.50\n2,61,2,94.10\n"
    wanted = json.dumps({"budget": 5000, "control_share": 0.1})
    jobs = str(model.base_url.join("../../jobs"))
    job = (
        model.post(jobs, files={"file": ("customers.csv", table)}, data={"call_list": wanted}).raise_for_status().json()
    )
    while job["state"] in ("queued", "running"):
        time.sleep(0.5)
        job = model.get(f"{jobs}/{job['id']}").raise_for_status().json()
    print(job["call_list"])
    print(model.get(f"{jobs}/{job['id']}/result").text)
    print(model.delete("/costs").raise_for_status().json()["policy"])
