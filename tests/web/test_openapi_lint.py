"""Linters of OpenAPI documents. Skipped where they are not installed: `make linters` installs them by npm."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / ".venv" / "npm" / "node_modules" / ".bin"
COMMANDS = {
    "redocly": ["lint", "--config", str(HERE / "redocly.yaml"), "--max-problems=50"],
    "spectral": ["lint", "--ruleset", str(HERE / "spectral.yaml"), "--fail-severity=hint"],
}


@pytest.mark.parametrize("tool", COMMANDS)
def test_clean(client, tmp_path, tool):
    """The linter reports nothing, not even a hint, for a document with several models and odd columns."""
    if not (TOOLS / tool).exists():
        pytest.skip(f"{tool} is not here: `make linters` installs it, where npm is")
    document = tmp_path / "openapi.json"
    document.write_bytes(client.get("/openapi.json").data)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "REDOCLY_TELEMETRY": "off"}
    done = subprocess.run(
        [TOOLS / tool, *COMMANDS[tool], document], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout.lower(), done.stdout
