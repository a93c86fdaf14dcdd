"""The floor: a Flask view that parses its JSON and answers a constant. No service on this stack is faster."""

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

app = Flask(__name__)


@app.post("/api/v1/predict/<model>")
@app.post("/api/v1/batch-predict/<model>")
def answer(model: str) -> ResponseReturnValue:
    """Parse, and answer."""
    request.get_json()
    return jsonify(churn_probability=0.5)


@app.get("/health/live")
def live() -> ResponseReturnValue:
    """Answer."""
    return jsonify(status="alive")
