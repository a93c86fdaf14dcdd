"""What a server prints when it is ready: a request to try, or what is missing."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from churn_api.contract.example import example_record
from churn_api.registry.live import LiveModels
from churn_api.registry.model_errors import ModelNotReady
from churn_api.telemetry import logs
from churn_api.web import API_V1


class StartupBanner(NamedTuple):
    """A heading, and lines under names of their own."""

    heading: str
    lines: dict[str, str]

    def as_text(self) -> str:
        """For a person: every line stands by itself, to be copied."""
        return "\n".join([f"{self.heading}.", *(f"{name}:\n  {line}" for name, line in self.lines.items())])

    def as_fields(self) -> dict[str, str]:
        """For the log: the lines by names without spaces."""
        return {name.lower().replace(" ", "_"): line for name, line in self.lines.items()}


def show_banner(live: LiveModels, models_dir: Path, address: str, settings: Mapping[str, Any]) -> None:
    """Print a banner, or log it where the log is JSON."""
    banner = _banner(live, models_dir, address)
    if logs.is_json(settings):
        logs.log_event(logging.INFO, banner.heading, banner.as_fields())
    else:
        print(banner.as_text(), flush=True)  # noqa: T201 - for whoever started it, on a terminal


def _banner(live: LiveModels, models_dir: Path, address: str) -> StartupBanner:
    """The line to try, made from the default model's own signature, and the address of the API page."""
    try:
        signature = live.get().card.signature
    except ModelNotReady as error:
        # The reason is also what clients are answered, so it names no path.
        return StartupBanner(f"Not ready: {error}", {"Models folder": str(models_dir)} | _way_out(live))
    record = json.dumps(example_record(signature, required_only=True)).replace("'", "'\\''")
    line = f"curl -s {address}{API_V1}/predict -H 'Content-Type: application/json' -d '{record}'"
    return StartupBanner("Ready", {"Try it": line, "Read about it": f"{address}/docs"})


def _way_out(live: LiveModels) -> dict[str, str]:
    """The command that makes the default model answer; no restart is needed. None while the catalogue is away."""
    if live.default not in live.load_errors:
        return {}
    if live.default in live.names:
        return {"Make a version live": f"churn-api models live {live.default} {live.versions(live.default)[-1]}"}
    return {"Train a model and make it live": "churn-api train TABLE --target COLUMN --live"}
