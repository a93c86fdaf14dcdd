"""The prediction log: what was predicted for a customer or in a request, and erasing a customer."""

import os

import httpx

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")

with httpx.Client(base_url=f"{URL}/api/v1/", headers={"X-API-Key": KEY} if KEY else {}) as http:
    # Predictions appear about two minutes after they were made.
    found = http.get("predictions", params={"customer_id": "C-1042", "days": 365}).raise_for_status().json()
    for prediction in found["predictions"]:
        print(prediction["at"], prediction["model_version"], prediction["churn_probability"])
    print(http.get("predictions", params={"request_id": "march-17"}).raise_for_status().json()["count"])
    print(http.delete("predictions", params={"customer_id": "C-1042"}).raise_for_status().json()["erased_until"])
