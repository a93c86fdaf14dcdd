"""Every setting, its default and its check. The only reader of the environment.

A setting is named without a prefix here and in Flask's config; in the environment it is `CHURN_<NAME>`, but for the
few that platforms set, which go by their own name.
"""

import os
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, cast

from environs import Env, EnvValidationError, ValidationError, validate

from churn_api.contract.faults import did_you_mean

PREFIX = "CHURN_"


class ConfigError(Exception):
    """A setting that cannot be used; the text names it and says what it may be."""


@dataclass(frozen=True)
class Setting:
    """One setting. `kind` is the name of the environs parser that reads it."""

    name: str
    kind: str
    default: Any
    help: str
    check: Any = None
    prefixed: bool = True

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.name if self.prefixed else self.name


SETTINGS = (
    Setting(
        "HOST",
        "str",
        "127.0.0.1",
        "Address that gunicorn listens on, or `unix:` and the path of a socket.",
        prefixed=False,
    ),
    Setting("PORT", "int", 8000, "Port that gunicorn listens on.", validate.Range(0, 65535), prefixed=False),
    Setting("WEB_CONCURRENCY", "int", 2, "Worker processes.", validate.Range(1, 1024), prefixed=False),
    Setting("MODELS_DIR", "str", "models", "Folder of the bundles."),
    Setting("DEFAULT_MODEL", "str", "default", "Model that answers where a request names none."),
    Setting("MAX_BATCH_ROWS", "int", 1000, "Customers that one batch may hold.", validate.Range(1)),
    Setting("MAX_CONTENT_LENGTH", "int", 10 * 1024 * 1024, "Bytes that a request's body may have.", validate.Range(1)),
)


def load_settings(overrides: Mapping[str, Any] | None = None, others: Container[str] = ()) -> dict[str, Any]:
    """Every setting by name: the default, else what the environment says, else what `overrides` says.

    `others` are the names that overrides may hold besides. Raises ConfigError naming what is at fault.
    """
    _refuse_unknown_variables()
    env = Env(eager=False)
    settings = {
        setting.name: getattr(env, setting.kind)(setting.variable, setting.default, validate=setting.check)
        for setting in SETTINGS
    }
    try:
        env.seal()
    except EnvValidationError as error:
        found = cast("Mapping[str, list[str]]", error.error_messages)
        faults = [f"{variable}: {' '.join(messages)}" for variable, messages in found.items()]
        raise ConfigError("; ".join(faults)) from error
    return settings | {name: _checked(name, value, others) for name, value in (overrides or {}).items()}


def _checked(name: str, value: Any, others: Container[str]) -> Any:
    """An override, which stands in for a variable, under the same check."""
    setting = next((setting for setting in SETTINGS if setting.name == name), None)
    if setting is None and name not in others:
        raise ConfigError(f"{name} is not a setting")
    if setting is not None and setting.check is not None:
        try:
            setting.check(value)
        except (ValidationError, TypeError) as error:
            raise ConfigError(f"{name}: {error}") from error
    return value


def _refuse_unknown_variables() -> None:
    known = [setting.variable for setting in SETTINGS]
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in known:
            hint = did_you_mean(variable, known) or "docs/configuration.md lists the settings."
            raise ConfigError(f"{variable} is not a setting. {hint}")
