"""A model as JSON: its summary, and the card of its live version."""

from typing import Any

import msgspec

from churn_api.registry.live import LiveModels

_NOT_SHOWN = {"format", "name", "version", "golden", "files", "golden_rows", "contributions", "baseline"}


def model_summary(live: LiveModels, name: str) -> dict[str, Any]:
    """A model as it stands in the list: its versions, and which is live. Raises UnknownModel."""
    versions = live.versions(name)
    answering = live.served.get(name)
    summary = {
        "name": name,
        "versions": versions,
        "live": answering.version if answering else None,
        "generation": answering.generation if answering else None,
        "ready": answering is not None,
        "default": name == live.default,
    }
    texts = {"reason": live.load_errors.get(name), "without_reasons": live.without_reasons.get(name)}
    return summary | {member: text for member, text in texts.items() if text}


def model_detail(live: LiveModels, name: str) -> dict[str, Any]:
    """The summary of a model, and its live version's card. Raises UnknownModel."""
    return model_summary(live, name) | _card(live, name)


def _card(live: LiveModels, name: str) -> dict[str, Any]:
    """The live version's card, without the fields that only loading needs."""
    if name not in live.served:
        return {}
    card: dict[str, Any] = msgspec.to_builtins(live.files(name).any_card())
    shown = {key: value for key, value in card.items() if key not in _NOT_SHOWN}
    if "reasons" in shown:
        reasons = shown["reasons"] or {}
        shown["reasons"] = {key: value for key, value in reasons.items() if key not in _NOT_SHOWN} or None
    return shown
