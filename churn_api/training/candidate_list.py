"""The candidates of training: their names, what they are, and their settings.

The command's choices and help, and the checks of `--set`, derive from this list. It needs no library of training;
`candidates.py` builds the pipelines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AUTO = "auto"

Value = int | float
Settings = Mapping[str, Value]


class SettingError(ValueError):
    """A setting that no candidate has, or a value that it does not take."""


@dataclass(frozen=True)
class Setting:
    """A number that a candidate learns with."""

    name: str
    default: Value
    minimum: Value
    maximum: Value
    description: str

    def parse(self, text: str) -> Value:
        """A value of the default's type within the limits. Raises ValueError."""
        value = type(self.default)(text)
        if not self.minimum <= value <= self.maximum:
            raise ValueError
        return value


@dataclass(frozen=True)
class Candidate:
    """An entry of the list."""

    name: str
    description: str
    settings: tuple[Setting, ...]
    cap: str
    """The setting that limits how long it learns; a fit that reaches it is reported."""

    @property
    def defaults(self) -> dict[str, Value]:
        """Each setting's default."""
        return {setting.name: setting.default for setting in self.settings}


def _boosted(rate: float, rounds: int, leaves: int, depth: int, l2: float) -> tuple[Setting, ...]:
    return (
        Setting("learning_rate", rate, 0.001, 1.0, "how much of each tree is added"),
        Setting("max_rounds", rounds, 1, 100_000, "at most this many trees"),
        Setting("patience", 20, 1, 1_000, "stop after this many trees that do not help on held-out rows"),
        Setting("max_leaves", leaves, 2, 255, "leaves of a tree"),
        Setting("max_depth", depth, 1, 16, "comparisons from the root of a tree to a leaf"),
        Setting("min_leaf", 20, 1, 1_000_000, "rows that a leaf has at least"),
        Setting("l2", l2, 0.0, 1e9, "shrinkage of leaves"),
    )


CANDIDATE_LIST = (
    Candidate(
        "logistic",
        "regularised logistic regression on scaled numbers, ten quantile bins of each, and one-hot categories",
        (
            Setting("c", 0.1, 1e-6, 1e6, "inverse of the regularisation"),
            Setting("bins", 10, 2, 100, "quantile bins of a number"),
            Setting("max_steps", 5_000, 10, 1_000_000, "at most this many steps of the optimiser"),
        ),
        cap="max_steps",
    ),
    Candidate(
        "boosting",
        "gradient boosting of small trees that learn slowly: for tables of few rows or much noise",
        _boosted(rate=0.05, rounds=500, leaves=8, depth=7, l2=1.0),
        cap="max_rounds",
    ),
    Candidate(
        "wide",
        "gradient boosting of large trees: for tables with many rows, or where features act together",
        _boosted(rate=0.1, rounds=5_000, leaves=31, depth=8, l2=0.0),
        cap="max_rounds",
    ),
)
"""A table's candidates are compared in this order; of two that are equal, the first is chosen."""

ESTIMATORS = (AUTO, *(candidate.name for candidate in CANDIDATE_LIST))


def candidate_named(name: str) -> Candidate:
    """An entry by name. Raises SettingError."""
    for candidate in CANDIDATE_LIST:
        if candidate.name == name:
            return candidate
    raise SettingError(f"no candidate is named {name!r}: there are {_listed([each.name for each in CANDIDATE_LIST])}")


def parse_settings(texts: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Settings by candidate from texts such as `boosting.learning_rate=0.1`. Raises SettingError."""
    chosen: dict[str, dict[str, Value]] = {}
    for text in texts:
        target, separator, value = text.partition("=")
        name, dot, setting = target.strip().partition(".")
        if not separator or not dot:
            raise SettingError(f"--set {text!r} is not CANDIDATE.SETTING=VALUE, such as boosting.learning_rate=0.1")
        chosen.setdefault(name, {})[setting] = _parsed(candidate_named(name), setting, value.strip())
    return chosen


def _parsed(candidate: Candidate, name: str, text: str) -> Value:
    for setting in candidate.settings:
        if setting.name == name:
            try:
                return setting.parse(text)
            except (ValueError, OverflowError) as error:
                kind = "a whole number" if isinstance(setting.default, int) else "a number"
                raise SettingError(
                    f"--set {candidate.name}.{name} takes {kind} from {setting.minimum:,} to {setting.maximum:,}"
                ) from error
    raise SettingError(f"{candidate.name!r} has no setting {name!r}: it has {_listed(list(candidate.defaults))}")


def describe() -> str:
    """The list as text for help: a candidate a line, then its settings with their defaults."""
    lines = []
    for candidate in CANDIDATE_LIST:
        lines.append(f"  {candidate.name}: {candidate.description}")
        lines += [
            f"    {candidate.name}.{setting.name}={setting.default}  {setting.description}"
            for setting in candidate.settings
        ]
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
