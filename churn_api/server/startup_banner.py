"""What a server says when it is ready to be tried."""

import json
from typing import NamedTuple

from flask import Flask

from churn_api.contract.example import example_record
from churn_api.registry.live import ModelNotReady
from churn_api.web import API_V1
from churn_api.web.core.state import services_of


class Greeting(NamedTuple):
    """What is said, with the lines that say how to go on."""

    said: str
    how: dict[str, str]

    def in_words(self) -> str:
        """The same for a person."""
        return "\n".join([f"{self.said}.", *(f"{name}:\n  {line}" for name, line in self.how.items())])


def greeting(app: Flask, address: str) -> Greeting:
    """The line to try, made from the default model's own signature, and the address of the API page."""
    try:
        signature = services_of(app).live.get().card.signature
    except ModelNotReady as error:
        return Greeting(f"Not ready: {error}", {"Train a model, then restart": "churn-api train --help"})
    record = json.dumps(example_record(signature, required_only=True)).replace("'", "'\\''")
    line = f"curl -s {address}{API_V1}/predict -H 'Content-Type: application/json' -d '{record}'"
    return Greeting("Ready", {"Try it": line, "Read about it": f"{address}/docs"})
