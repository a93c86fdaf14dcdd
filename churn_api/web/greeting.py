"""What a server says when it is ready to be tried."""

import json

from flask import Flask

from churn_api.contract.example import example_record
from churn_api.registry.live import ModelNotReady
from churn_api.web.state import live_models


def greeting(app: Flask, address: str) -> str:
    """The line to try, made from the default model's own signature, and the address of the API page."""
    with app.app_context():
        try:
            signature = live_models().get().card.signature
        except ModelNotReady as error:
            return f"Not ready: {error}.\nTrain a model (churn-api train --help), then restart."
    record = json.dumps(example_record(signature, required_only=True)).replace("'", "'\\''")
    return (
        f"Try it:\n  curl -s {address}/api/v1/predict -H 'Content-Type: application/json' -d '{record}'\n"
        f"Read about it:\n  {address}/docs"
    )
