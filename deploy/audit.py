"""Ask pip-audit about the packages of a lock, and say plainly how many it could not ask about.

Ends with 1 where a package has known holes; with `--required`, as in the workflows, also where it could ask about none.
"""

import json
import subprocess
import sys
from typing import Any

COMMAND = ["-m", "pip_audit", "--progress-spinner=off", "--format=json", "--disable-pip", "--no-deps", "--requirement"]


def main(lock: str, *options: str) -> int:
    """Audit a lock, and report."""
    command = [sys.executable, *COMMAND, lock]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        packages = []
        print((done.stderr.strip().splitlines() or ["pip-audit says nothing"])[-1])  # noqa: T201
    return report(packages, required="--required" in options)


def report(packages: list[dict[str, Any]], *, required: bool) -> int:
    """Say what came of an audit; what the program ends with."""
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        holes = ", ".join(hole["id"] for hole in package["vulns"])
        print(f"{package['name']} {package['version']} has known holes: {holes}")  # noqa: T201
    asked = len(packages) - len(skipped)
    print(f"pip-audit asked about {asked} of {len(packages)} packages: {len(bad)} of them have known holes")  # noqa: T201
    if skipped:
        print(f"pip-audit could not ask about {len(skipped)}: {', '.join(skipped[:10])}{' …' * (len(skipped) > 10)}")  # noqa: T201
    return 1 if bad or (required and not asked) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
