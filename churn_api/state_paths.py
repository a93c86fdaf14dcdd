"""Where the state of a machine is: default folders, and paths made absolute."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn_api.settings import SETTINGS

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108 - a private folder is created in it
_RELATIVE_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)")


def absolute_paths(settings: Mapping[str, Any]) -> dict[str, str]:
    """Every path that is set or has a default, absolute."""
    defaults = state_folders(Path(__file__).parent)
    names = [setting.name for setting in SETTINGS if setting.is_path]
    paths = {name: settings[name] or defaults.get(name) for name in names}
    absolute = {name: str(Path(path).absolute()) for name, path in paths.items() if path}
    return absolute | {"DATABASE_URL": _absolute_file(settings["DATABASE_URL"])}


def metrics_dir(settings: Mapping[str, Any]) -> Path:
    """The parent folder of metric files: in shared memory where the system has it.

    The files are memory-mapped, and the kernel kills a process that writes to a mapping on a full disk.
    """
    if settings["METRICS_DIR"]:
        return Path(settings["METRICS_DIR"])
    if os.access(SHARED_MEMORY, os.W_OK):
        return SHARED_MEMORY / f"churn-api-{os.getuid()}"
    return Path(settings["INSTANCE_DIR"]) / "metrics"


def state_folders(package: Path) -> dict[str, Path]:
    """The default folders of state, derived from the package's location as Flask derives its instance folder.

    In a checkout they are next to the package; for an installed package they are below `var` in its prefix.
    https://flask.palletsprojects.com/en/stable/config/#instance-folders
    """
    parent = package.absolute().parent
    if parent.name not in ("site-packages", "dist-packages"):
        return {"INSTANCE_DIR": parent / "instance", "MODELS_DIR": parent / "models"}
    # For a user installation the prefix is not sys.prefix, but the parent of lib/python3.x/site-packages.
    prefix = Path(sys.prefix) if parent.is_relative_to(sys.prefix) else parent.parents[2]
    instance = prefix / "var" / "churn_api-instance"
    return {"INSTANCE_DIR": instance, "MODELS_DIR": instance / "models"}


def _absolute_file(url: str) -> str:
    """A database URL; the path of a SQLite file is made absolute."""
    file = _RELATIVE_SQLITE.fullmatch(url)
    return f"{file[1]}{Path(file[2]).absolute()}" if file else url
