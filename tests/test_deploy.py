"""What deploy/ says is so: variables are settings; commands, files, ports and routes are there; schemas hold."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from conftest import ROOT

from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.settings import SETTINGS

DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
OVERLAYS = sorted((DEPLOY / "kubernetes" / "overlays").iterdir())
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
USER = 10001
VARIABLES = {setting.variable for setting in SETTINGS}
FILES = {setting.file_variable for setting in SETTINGS if setting.secret}
PLATFORM = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TMPDIR", "GUNICORN_CMD_ARGS"}
"""Variables that are Python's, gunicorn's or the system's."""


def read(path: str | Path) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


DOCKERFILE = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M))
COMPOSE = read("deploy/compose.yaml")
RENDER = read("render.yaml")
RAILWAY = json.loads((ROOT / "railway.json").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "churn-api" in service["image"]}
RESOURCES = [
    result
    for name in read(BASE / "kustomization.yaml")["resources"]
    for result in yaml.safe_load_all((BASE / name).read_text())
]
WORKLOADS = {
    result["metadata"]["name"]: result["spec"]["template"]
    for result in RESOURCES
    if "template" in result.get("spec", {})
}
PODS = {name: template["spec"] for name, template in WORKLOADS.items()}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.*)", DOCKERFILE, re.M)


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    return only


def environments() -> Iterator[tuple[str, dict[str, str]]]:
    """Where variables are set, and what they are set to."""
    yield "Dockerfile", dict(pair for text in instructions("ENV") for pair in _pairs(text))
    for name, service in OURS.items():
        yield f"compose {name}", service["environment"]
    for folder in (BASE, *OVERLAYS):
        for generator in read(folder / "kustomization.yaml")["configMapGenerator"]:
            yield f"kubernetes {folder.name}", dict(line.split("=", 1) for line in generator["literals"])
    for name, pod in PODS.items():
        yield f"kubernetes {name}", {one["name"]: one["value"] for one in container(pod).get("env", ())}
    for unit in UNITS:
        yield unit.name, dict(line.split("=", 1) for line in values(unit, "Environment"))
    for service in RENDER["services"]:
        yield "render", {one["key"]: one.get("value", "s" * 64) for one in service["envVars"]}


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(name, value.strip('"')) for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', text)]


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)", unit.read_text(), re.M)


def commands() -> Iterator[list[str]]:
    """Every command of the program that something starts."""
    yield json.loads(instructions("CMD")[-1])
    yield from (service["command"] for service in OURS.values() if "command" in service)
    yield from (container(pod)["command"] for pod in PODS.values() if "command" in container(pod))
    yield from (values(unit, "ExecStart")[0].removeprefix("/opt/churn-api/bin/").split() for unit in UNITS)
    yield from (service["preDeployCommand"].split() for service in RENDER["services"])
    yield from (line.split() for line in RAILWAY["deploy"]["preDeployCommand"])


@pytest.mark.parametrize(("where", "variables"), list(environments()), ids=lambda it: it if isinstance(it, str) else "")
def test_variables(where, variables, monkeypatch):
    """What is set is a setting or a platform's variable, and its value passes the setting's check."""
    assert set(variables) <= VARIABLES | FILES | PLATFORM, where
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        if name in VARIABLES and name != "DATABASE_URL" and "${" not in value:
            monkeypatch.setenv(name, value)
    load_settings()


def test_commands():
    """What is started is a command that `churn-api` has."""
    started = list(commands())
    assert {"upgrade", "worker", "serve"} == {command[-1] for command in started}
    for program, *arguments in started:
        assert program == "churn-api"
        assert_command(arguments)


def test_commands_of_the_document():
    """So is every churn-api line of docs/deployment.md."""
    named = re.findall(r"churn-api ((?:db|keys|models|jobs|worker|audit|score|serve|train)\b[a-z -]*)", document())
    assert named
    for arguments in named:
        assert_command([word for word in arguments.split() if not word.startswith("-")])


def document() -> str:
    return (ROOT / "docs" / "deployment.md").read_text()


def assert_command(arguments: list[str]) -> None:
    command: click.Command = main
    for argument in arguments:
        if isinstance(command, click.Group):
            result = command.get_command(click.Context(command), argument)
            assert result is not None, arguments
            command = result
    assert not isinstance(command, click.Group), arguments


def test_start_migrates_nothing():
    """The schema is brought up to date by a command of its own, once, and by nothing that serves."""
    assert [name for name, service in OURS.items() if "upgrade" in service.get("command", ())] == ["migrate"]
    assert "upgrade" not in DOCKERFILE
    assert not any("upgrade" in unit.read_text() for unit in UNITS)


def test_image_is_no_root():
    """The image runs as a user by number, in exec form, by a health check and a signal of its own."""
    assert instructions("USER") == [f"{USER}:{USER}"]
    assert all(json.loads(text) for name in ("ENTRYPOINT", "CMD") for text in instructions(name))
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert "alive.py" in instructions("HEALTHCHECK")[0]


def test_copied_files():
    """What the Dockerfile copies is there, and is let through by .dockerignore."""
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [text for text in instructions("COPY") if "--from" not in text]
    for source in (word for text in copied for word in text.split()[:-1] if not word.startswith("--")):
        assert (ROOT / source).exists(), source
        assert any(source == kept or source.startswith(f"{kept}/") for kept in let_through), source


def test_the_image_installs_what_its_lock_has(tmp_path):
    """The image installs nothing whose hash is not in a lock, and no extra for training, clusters or development."""
    assert re.findall(r"ARG LOCK=(\S+)", DOCKERFILE) == ["deploy/container/requirements.txt"]
    installs = [text for text in instructions("RUN") if "pip --python" in text]
    assert ["--require-hashes" in text or "--no-deps" in text for text in installs] == [True, True]
    complete = pinned("requirements.txt")
    for lock, extras in (
        ("deploy/container/requirements.txt", {"psycopg", "redis"}),
        ("deploy/container/requirements-otel.txt", {"opentelemetry-sdk"}),
    ):
        assert extras < pinned(lock).keys()
        assert not {"scikit-learn", "pandas", "dask", "watchfiles"} & pinned(lock).keys()
        assert pinned(lock).items() <= complete.items()


def test_the_training_image_has_the_libraries_of_the_image_and_of_training():
    """The lock of the image that trains has every package of the image's lock, and those of training, no newer ones."""
    train = pinned("deploy/container/requirements-train.txt")
    assert pinned("deploy/container/requirements.txt").items() <= train.items() <= pinned("requirements.txt").items()
    assert {"scikit-learn", "pandas", "skl2onnx"} < train.keys()
    assert not {"dask", "watchfiles"} & train.keys()


LOCKS = [
    "requirements.txt",
    "requirements-dev.txt",
    "deploy/container/requirements.txt",
    "deploy/container/requirements-otel.txt",
    "deploy/container/requirements-train.txt",
]


def pinned(lock):
    """The version of each package in a lock."""
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", (ROOT / lock).read_text(), re.M))


@pytest.mark.parametrize("lock", [*LOCKS, "benchmarks/requirements.txt"])
def test_locks_have_hashes(lock):
    """Every package of a lock has the hashes of its files, and no lock says where they come from."""
    text = (ROOT / lock).read_text()
    entries = re.split(r"^(?=[\w.-]+(?:\[[\w,]+\])?==)", text, flags=re.M)[1:]
    assert len(entries) >= len(pinned(lock)) > 20
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--index-url" not in text


def test_ports_and_sockets():
    """Who calls the service calls where it listens: the port of the image, or the socket that nginx asks."""
    (port,) = {setting.default for setting in SETTINGS if setting.name == "PORT"}
    assert instructions("EXPOSE") == [str(port)]
    assert container(PODS["churn-api"])["ports"] == [{"name": "http", "containerPort": port}]
    (_, policy) = [result["spec"] for result in RESOURCES if result["kind"] == "NetworkPolicy"]
    assert policy["ingress"][0]["ports"] == [{"protocol": "TCP", "port": port}]
    site = (DEPLOY / "nginx" / "churn-api.conf").read_text()
    (socket,) = re.findall(r"server (unix:\S+)", site)
    assert OURS["api"]["environment"]["HOST"] == socket
    assert f"HOST={socket}" in values(DEPLOY / "systemd" / "churn-api.service", "Environment")
    (listen,) = re.findall(r"listen (\d+)", site)
    assert COMPOSE["services"]["nginx"]["ports"][0].endswith(f":{listen}")


def test_probes_are_routes(app):
    """What asks for health asks a route that there is."""
    probes = [
        container(PODS["churn-api"])[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")
    ]
    asked = {
        *probes,
        RAILWAY["deploy"]["healthcheckPath"],
        *(service["healthCheckPath"] for service in RENDER["services"]),
    }
    assert asked <= {rule.rule for rule in app.url_map.iter_rules()}


def test_bodies_are_bounded_alike():
    """Both nginx and the ingress refuse bodies from the size on that the service does."""
    (size,) = {setting.default for setting in SETTINGS if setting.name == "MAX_CONTENT_LENGTH"}
    (ingress,) = [result for result in RESOURCES if result["kind"] == "Ingress"]
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == f"{size >> 20}m"
    assert f"client_max_body_size {size >> 20}m;" in (DEPLOY / "nginx" / "churn-api.conf").read_text()


def test_compose_opens_one_door():
    """Only nginx has a port, and where it is asked for Grafana; neither shares a network with what is inside.

    Prometheus alone stands between; the rest has no way out.
    """
    services = COMPOSE["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"nginx", "grafana"}
    assert services["nginx"]["networks"] == ["edge"]
    assert services["grafana"]["networks"] == ["edge", "watch"]
    assert services["grafana"]["ports"][0].startswith("${LISTEN_GRAFANA:-127.0.0.1:")
    assert services["prometheus"]["networks"] == ["inside", "watch"]
    inside = [service for name, service in services.items() if name not in ("nginx", "grafana", "prometheus")]
    assert all(service["networks"] == ["inside"] for service in inside)
    assert COMPOSE["networks"]["inside"]["internal"] is COMPOSE["networks"]["watch"]["internal"] is True


def test_compose_bounds_everything():
    """Every service has limits, a restart policy and a health check, or says that it has none."""
    for name, service in COMPOSE["services"].items():
        assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"]), name
        assert service["restart"], name
        assert "healthcheck" in service or name == "api", name  # api: the image's


def test_compose_has_no_secrets():
    """Secrets are files in a folder that must be named."""
    assert all(secret["file"].startswith("${SECRETS_DIR:?") for secret in COMPOSE["secrets"].values())
    used = {name for service in COMPOSE["services"].values() for name in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])


def test_compose_names():
    """Networks, volumes and dependencies that services name are there, and so are the files that are mounted."""
    for name, service in COMPOSE["services"].items():
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
        for source in (volume.split(":")[0] for volume in service.get("volumes", ())):
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"], name


def test_images():
    """The database and Redis are those that the tests run against; overlays rename an image that the base has."""
    tested = read(".github/workflows/test.yml")["jobs"]["test"]["services"]
    for name in ("postgres", "redis"):
        assert COMPOSE["services"][name]["image"] == tested[name]["image"]
    (ours,) = {container(pod)["image"] for pod in PODS.values()}
    assert {service["image"] for service in OURS.values()} == {f"${{IMAGE:-{ours}:latest}}"}
    for overlay in OVERLAYS:
        assert [image["name"] for image in read(overlay / "kustomization.yaml")["images"]] == [ours]


@pytest.mark.parametrize("name", PODS)
def test_pods_are_restricted(name):
    """Every pod keeps Kubernetes' `restricted` standard, writes to /data alone, and has its memory bounded."""
    pod, one = PODS[name], container(PODS[name])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount["mountPath"].startswith("/data") for mount in one["volumeMounts"])
    assert {mount["name"] for mount in one["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert {"cpu", "memory"} <= set(one["resources"]["requests"])
    assert "memory" in one["resources"]["limits"]


@pytest.mark.parametrize("name", PODS)
def test_pods_get_no_service_links(name):
    """A service named churn-api would give its pods CHURN_API_… variables, and those stop the start."""
    assert PODS[name]["enableServiceLinks"] is False


def test_selectors():
    """Whatever selects pods selects some of the base."""
    labels = [template["metadata"]["labels"] for template in WORKLOADS.values()]
    everywhere = read(BASE / "kustomization.yaml")["labels"][0]["pairs"]
    for selector in _selectors(RESOURCES):
        assert any(selector.items() <= (everywhere | one).items() for one in labels), selector


def _selectors(result: Any) -> Iterator[dict[str, str]]:
    if isinstance(result, list):
        for item in result:
            yield from _selectors(item)
    elif isinstance(result, dict):
        for key, value in result.items():
            if key in ("podSelector", "labelSelector", "selector") and isinstance(value, dict):
                yield value.get("matchLabels", value)
            else:
                yield from _selectors(value)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_patches_have_targets(overlay):
    """An overlay's base is there, its patches change a resource of it, and replace what is there to be replaced."""
    kustomization = read(overlay / "kustomization.yaml")
    assert all((overlay / resource).resolve() == BASE for resource in kustomization["resources"])
    for patch in kustomization["patches"]:
        kind, name = patch["target"]["kind"], patch["target"]["name"]
        (target,) = [result for result in RESOURCES if (result["kind"], result["metadata"]["name"]) == (kind, name)]
        for operation in yaml.safe_load(patch["patch"]):
            value = target
            for part in operation["path"].strip("/").split("/"):
                value = value[int(part) if isinstance(value, list) else part]


def test_base_is_valid():
    """Every resource of the base is valid by the schemas of Kubernetes."""
    assert_valid(RESOURCES)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_overlays_build(overlay):
    """What kustomize makes of an overlay is valid, and holds no secret."""
    built = list(yaml.safe_load_all(kustomize(overlay)))
    assert {result["kind"] for result in built} == {result["kind"] for result in RESOURCES} | {"ConfigMap"}
    assert {result["metadata"]["namespace"] for result in built} == {f"churn-{overlay.name}"}
    assert_valid(built)


def kustomize(folder: Path) -> str:
    if shutil.which("kustomize"):
        command = ["kustomize", "build", str(folder)]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize", str(folder)]
    else:
        pytest.skip("there is neither kustomize nor kubectl here")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def assert_valid(resources: list[dict[str, Any]]) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    version = kubernetes_validate.latest_version()
    for resource in resources:
        kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("compose-spec", "deploy/compose.yaml"),
        ("github-workflows", ".github/workflows/image.yml"),
        ("github-workflows", ".github/workflows/test.yml"),
    ],
)
def test_schemas(schema, file):
    """The compose file and the workflows are valid by their published schemas."""
    if shutil.which("check-jsonschema") is None:
        pytest.skip("check-jsonschema is not installed")
    command = ["check-jsonschema", "--builtin-schema", f"vendor.{schema}", str(ROOT / file)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_actions_are_pinned():
    """The workflow's actions are named by commit."""
    used = re.findall(r"uses: (\S+)", (ROOT / ".github/workflows/image.yml").read_text())
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units(unit, tmp_path):
    """The units are taken by systemd, with a program and a user in them that this machine has."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", unit.read_text(), flags=re.M)
    (tmp_path / unit.name).write_text(re.sub(r"^(User|Group)=.*", r"\1=root", text, flags=re.M))
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_platforms_build_the_dockerfile():
    """Render and Railway build the Dockerfile; Render's database is one of the same file."""
    paths = [RAILWAY["build"]["dockerfilePath"], *(service["dockerfilePath"] for service in RENDER["services"])]
    assert all((ROOT / path).is_file() for path in paths)
    named = {
        one["fromDatabase"]["name"]
        for service in RENDER["services"]
        for one in service["envVars"]
        if "fromDatabase" in one
    }
    assert named == {database["name"] for database in RENDER["databases"]}


def test_load_scripts_ask_routes(app):
    """The load scripts ask routes that there are."""
    texts = [path.read_text() for path in (DEPLOY / "load").glob("*.*") if path.suffix != ".md"]
    asked = {route for text in texts for route in re.findall(r'"(/[a-z0-9/-]+)"', text)}
    assert asked
    assert asked <= {rule.rule for rule in app.url_map.iter_rules()}


def test_secrets_of_the_units():
    """The file of the units' secrets is installed with the mode that the unit says, which lets root alone read it."""
    (mode,) = re.findall(r"^# .*mode (\d+)", (DEPLOY / "systemd/churn-api.service").read_text(), re.M)
    installed = re.findall(
        r"install -m (\d+)[^\n]* /dev/stdin /etc/churn-api/environment", (ROOT / "docs/deployment.md").read_text()
    )
    assert installed == [mode] == ["0600"]
