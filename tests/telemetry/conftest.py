"""What tests of the metrics' files have in common."""

from pathlib import Path

import pytest

from churn_api.config import METRICS_GROUP
from churn_api.telemetry import mmap_values


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A group of this process's, with nothing counted so far."""
    monkeypatch.setenv(METRICS_GROUP, str(tmp_path))
    monkeypatch.setattr(mmap_values, "_files", {})
    monkeypatch.setattr(mmap_values, "_cells", [])
    return tmp_path
