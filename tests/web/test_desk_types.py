"""The desk's scripts are type-checked against the OpenAPI document. Skipped where npm has not installed the tools."""

import json
import shutil
import subprocess

import pytest
from conftest import ROOT

from churn_api.web.pages.shared.desk_files import FOLDER

NPM = ROOT / ".venv" / "npm" / "node_modules" / ".bin"
OPTIONS = {
    "allowJs": True,
    "checkJs": True,
    "noEmit": True,
    "strict": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "resolveJsonModule": True,
    "target": "es2023",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2023", "dom", "dom.iterable"],
    "types": [],
}
MISTAKES = {
    "answer.js": ("prediction.churn_probability", "prediction.churn_probabilty"),
    "customer.js": ('t("customer.title")', 't("customer.titel")'),
    "start.js": ("summary.ready", "summary.redy"),
}


@pytest.fixture
def compile_scripts(client, tmp_path):
    """Compile the scripts, after a change in one of them, with the types of the document; what the compiler says."""
    for tool in ("openapi-typescript", "tsc"):
        if not (NPM / tool).exists() or not shutil.which("node"):
            pytest.skip(f"{tool} is not here: `make linters` installs it, where npm is")
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "openapi.json").write_bytes(client.get("/openapi.json").data)
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "include": ["*.js", "*.d.ts"]}))
    subprocess.run([NPM / "openapi-typescript", "openapi.json", "--output", "schema.d.ts"], cwd=tmp_path, check=True)

    def compiled() -> list[str]:
        done = subprocess.run([NPM / "tsc", "--project", "."], cwd=tmp_path, capture_output=True, text=True)
        return [line for line in done.stdout.splitlines() if "error TS" in line]

    return compiled


def test_types(compile_scripts, tmp_path):
    """The scripts have no error of types, and a misspelt member of an answer and a misspelt word are found."""
    assert compile_scripts() == []
    for name, (right, wrong) in MISTAKES.items():
        text = (tmp_path / name).read_text()
        assert right in text
        (tmp_path / name).write_text(text.replace(right, wrong))
    assert {line.partition("(")[0] for line in compile_scripts()} == set(MISTAKES)
