"""Types for TypeScript, made from the OpenAPI document. Skipped where npm has not installed what makes them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import requests
from conftest import ROOT

NPM = ROOT / ".venv" / "npm" / "node_modules"
SOURCE = ROOT / "examples" / "typescript" / "predict.ts"
COMPILE = ["--strict", "--target", "es2022", "--module", "nodenext"]
MISTAKES = {
    "age: 35": 'age: "35"',
    "tenure: 24": "tenure: 24, contract: 'Weekly'",
    "one.churn_probability": "one.churn_probabilty",
    '"/api/v1/predict"': '"/api/v1/perdict"',
}


def run(command: list[object], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def compiler(tmp_path):
    """Compile a program in a folder that has the types, and return what the compiler says."""
    for tool in ("openapi-typescript", "tsc"):
        if not (NPM / ".bin" / tool).exists() or not shutil.which("node"):
            pytest.skip(f"{tool} is not here: `make linters` installs it, where npm is")
    (tmp_path / "package.json").write_text('{"type": "module"}')

    def compile_program(text: str) -> str:
        (tmp_path / "predict.ts").write_text(text)
        return run([NPM / ".bin" / "tsc", *COMPILE, "predict.ts"], tmp_path).stdout

    return compile_program


def test_program(compiler, serve, models_dir, tmp_path):
    """The example compiles with the types of a running service, prints its double, and each mistake in it is found."""
    text = SOURCE.read_text()
    with serve(models_dir, workers=1) as server:
        command = [NPM / ".bin" / "openapi-typescript", f"{server.url}/openapi.json", "--output", "churn.d.ts"]
        assert run(command, tmp_path).returncode == 0
        assert compiler(text) == ""
        printed = run(["node", "predict.js", server.url], tmp_path)
        record = {"age": 35, "tenure": 24, "monthly_charges": 65.5}
        answer = requests.post(f"{server.url}/api/v1/predict", json=record, timeout=30).json()
        assert printed.stdout.startswith(f"{answer['churn_probability']} {answer['risk_band']} ["), printed.stderr
    for right, wrong in MISTAKES.items():
        assert text.count(right) == 1
        said = compiler(text.replace(right, wrong))
        assert said.count("error TS") == 1, said
