"""Write down what a lock installs, as CycloneDX: names, versions, hashes, and licences of what is installed here."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

_ENTRY = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)((?:.*\\\n)+.*\n)", re.M)


def components(lock: str) -> Iterator[Component]:
    """Each package of a lock's text."""
    for name, version, rest in _ENTRY.findall(lock):
        yield Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}@{version}",
            purl=PackageURL("pypi", None, name, version),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=found) for found in re.findall(r"sha256:(\w+)", rest)],
            licenses=[LicenseFactory().make_from_string(text) for text in _licence(name)],
        )


def _licence(name: str) -> Iterator[str]:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return
    classifiers = [text for text in about.get_all("Classifier") or [] if text.startswith("License ::")]
    text = about.get("License-Expression") or ", ".join(found.rpartition(" :: ")[2] for found in classifiers)
    if text:
        yield text


def main(lock: str, target: str) -> None:
    """Write the list of a lock."""
    bom = Bom(components=components(Path(lock).read_text()))
    bom.metadata.component = Component(name="churn-api", type=ComponentType.APPLICATION, bom_ref="churn-api")
    bom.register_dependency(bom.metadata.component, bom.components)
    Path(target).write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
