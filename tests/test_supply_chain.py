"""Dependencies: their licences, an audit that reports what it could not check, and the list of shipped packages."""

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, metadata
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.audit import report

ROOT = Path(__file__).parents[1]
PERMISSIVE = re.compile(r"\b(MIT|BSD|Apache|PSF|Zlib|CC0|ISC)", re.I)
COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|CDDL|EUPL|SSPL|General Public|Mozilla)", re.I)


def licences():
    """The licence of each package of requirements.txt that is installed here, as its metadata says it."""
    result = {}
    for name in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", (ROOT / "requirements.txt").read_text(), re.M):
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue  # it is for another Python, or another system
        classifiers = [text for text in about.get_all("Classifier") or [] if text.startswith("License ::")]
        named = about.get("License-Expression") or "; ".join(classifiers) or about.get("License")
        result[name] = named or licence_of_text(name)
    return result


def licence_of_text(name):
    """The licence of a package whose metadata names none, by the text that it comes with."""
    files = [file for file in distribution(name).files or [] if "licenses/" in str(file)]
    texts = " ".join(" ".join(file.read_text().split()) for file in files)
    return "MIT" if "Permission is hereby granted, free of charge, to any person obtaining a copy" in texts else texts


def test_licences_are_told():
    """docs/security.md names every package whose licence asks for more than a notice; all others are permissive."""
    table = (
        (ROOT / "docs" / "security.md").read_text().split("## Licences of what this is made of")[1].split("\n## ")[0]
    )
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    output = {
        name.strip("`"): licence for licence, names, _ in rows for name in names.split(", ") if name.startswith("`")
    }
    result = licences()
    assert len(result) > 60
    asking = {name: text for name, text in result.items() if COPYLEFT.search(text)}
    assert asking.keys() == {name for name in output if name in result}
    assert all(output[name] in text or "MPL" in output[name] for name, text in asking.items())
    assert not [name for name, text in asking.items() if re.search(r"(?<!L)GPL|Affero", text)]
    assert not [name for name, text in result.items() if name not in asking and not PERMISSIVE.search(text)]


ASKED, SKIPPED = {"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}
HOLE = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-2027-1"}]}


@pytest.mark.parametrize(
    ("packages", "required", "code", "said"),
    [
        ([ASKED, SKIPPED], True, 0, "could not ask about 1: b"),
        ([SKIPPED, SKIPPED], True, 1, "asked about 0 of 2 packages"),
        ([SKIPPED], False, 0, "could not ask about 1: b"),
        ([ASKED, HOLE], False, 1, "c 2 has known holes: PYSEC-2027-1"),
        ([ASKED], True, 0, "asked about 1 of 1 packages: 0 of them"),
    ],
)
def test_an_audit_says_what_it_could_not_ask(capsys, packages, required, code, said):
    """The audit counts what it could not ask about; known holes fail it, and so does asking nothing, where required."""
    assert report(packages, required=required) == code
    assert said in capsys.readouterr().out


def test_bill_of_materials(tmp_path):
    """The SBOM lists every package of the image's lock with version and hashes, and is valid CycloneDX."""
    lock, written = ROOT / "deploy/container/requirements.txt", tmp_path / "sbom.cdx.json"
    subprocess.run([sys.executable, ROOT / "deploy" / "sbom.py", lock, written], check=True)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written.read_text()) is None
    bill = json.loads(written.read_text())
    pinned = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", lock.read_text(), re.M)
    assert {(part["name"], part["version"]) for part in bill["components"]} == set(pinned)
    assert all(part["hashes"] for part in bill["components"])
    assert sum("licenses" in part for part in bill["components"]) > 0.8 * len(pinned)
