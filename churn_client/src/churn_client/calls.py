"""Operations that are one call: predictions, models, tokens."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from churn_client.answers import Explanation, Model, Prediction, Token
from churn_client.exceptions import understood
from churn_client.monitoring_answers import Quality, Watch
from churn_client.options import OneOptions
from churn_client.plain_values import encode_record
from churn_client.steps import Call, Steps

T = TypeVar("T")
JSON = {"Content-Type": "application/json"}


class _Models(msgspec.Struct):
    models: list[Model]


def ask(call: Call, kind: type[T]) -> Steps[T]:
    """Send a call whose answer is JSON of a type."""
    response = yield call
    return understood(response, lambda response: msgspec.json.decode(response.content, type=kind))


def json_body(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a Call with a JSON body."""
    return {"content": msgspec.json.encode(members), "headers": JSON}


def below(resource: str, *names: str | None) -> str:
    """The path of what is below a resource; a name that is None is left out."""
    return "/".join([resource, *(quote(name, safe="") for name in names if name is not None)])


def query(options: Mapping[str, Any]) -> dict[str, Any]:
    """The query parameters of a prediction's options."""
    return {name: value for name, value in options.items() if value is not None and name != "model"}


def predict(record: Mapping[str, Any], options: OneOptions) -> Steps[Prediction]:
    """Predict for one customer."""
    path = below("predict", options.get("model"))
    return ask(Call("POST", path, query(options), JSON, encode_record(record)), Prediction)


def list_models() -> Steps[list[Model]]:
    """List the models."""
    answer = yield from ask(Call("GET", "models"), _Models)
    return answer.models


def get_model(name: str) -> Steps[Model]:
    """Get a model with the card of its live version."""
    return ask(Call("GET", below("models", name)), Model)


def make_live(name: str, version: str | int) -> Steps[Model]:
    """Make a version live."""
    return ask(Call("PUT", below("models", name, "live"), **json_body({"version": str(version)})), Model)


def get_explanation(name: str, version: str | int | None) -> Steps[Explanation]:
    """Get what moves a model's predictions in general."""
    return ask(Call("GET", below("models", name, "explanation"), query({"version": version})), Explanation)


def get_watch(name: str, version: str | int | None, days: int | None) -> Steps[Watch]:
    """Get whether customers are still like those of training."""
    return ask(Call("GET", below("models", name, "watch"), query({"version": version, "days": days})), Watch)


def get_quality(name: str, days: int | None) -> Steps[Quality]:
    """Get how good predictions were."""
    return ask(Call("GET", below("models", name, "quality"), query({"days": days})), Quality)


def make_token(scopes: Iterable[str] | None) -> Steps[Token]:
    """Exchange the key for a token."""
    return ask(Call("POST", "token", **json_body({} if scopes is None else {"scopes": list(scopes)})), Token)
