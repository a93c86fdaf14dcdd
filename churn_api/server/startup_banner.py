"""The startup banner: a request to try, or what is missing."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from churn_api.contract.example import example_record
from churn_api.registry.live import LiveModels
from churn_api.registry.model_errors import ModelNotReady, OtherKind
from churn_api.telemetry import logs
from churn_api.web import API_V1


class StartupBanner(NamedTuple):
    """A heading and named lines."""

    heading: str
    lines: dict[str, str]

    def as_text(self) -> str:
        """Text for a terminal, with each line ready to be copied."""
        return "\n".join([f"{self.heading}.", *(f"{name}:\n  {line}" for name, line in self.lines.items())])

    def as_fields(self) -> dict[str, str]:
        """Fields for the log, with names without spaces."""
        return {name.lower().replace(" ", "_"): line for name, line in self.lines.items()}


def show_banner(live: LiveModels, models_dir: Path, address: str, settings: Mapping[str, Any]) -> None:
    """Print the banner, or log it where the log is JSON."""
    banner = _banner(live, models_dir, address)
    if logs.is_json(settings):
        logs.log_event(logging.INFO, banner.heading, banner.as_fields())
    else:
        print(banner.as_text(), flush=True)  # noqa: T201 - for the operator on a terminal


def _banner(live: LiveModels, models_dir: Path, address: str) -> StartupBanner:
    """An example request from the default model's signature, and the URL of the API page."""
    try:
        signature = live.get().card.signature
    except OtherKind:
        address_of_model = f"{address}{API_V1}/models/{live.default}"
        return StartupBanner(
            "Ready", {"See what it takes": f"curl -s {address_of_model}", "Read about it": f"{address}/docs"}
        )
    except ModelNotReady as error:
        # Clients get the same reason, so it contains no path; here the path is added.
        return StartupBanner(f"Not ready: {error}", {"Models folder": str(models_dir)} | _next_step(live))
    record = json.dumps(example_record(signature, required_only=True)).replace("'", "'\\''")
    line = f"curl -s {address}{API_V1}/predict -H 'Content-Type: application/json' -d '{record}'"
    return StartupBanner("Ready", {"Try it": line, "Read about it": f"{address}/docs"})


def _next_step(live: LiveModels) -> dict[str, str]:
    """The command that makes the default model live, without a restart; empty while the catalogue is away."""
    if live.default not in live.load_errors:
        return {}
    if live.default in live.names:
        return {"Make a version live": f"churn-api models live {live.default} {live.versions(live.default)[-1]}"}
    return {"Train a model and make it live": "churn-api train TABLE --target COLUMN --live"}
