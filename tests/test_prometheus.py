"""Alerts and dashboard ask for metrics that there are, with labels that they have, and mean what they say."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from builders import customers
from conftest import ROOT
from prometheus_client.parser import text_string_to_metric_families

from churn_api.monitoring.quality_counts import QualityCounts
from churn_api.monitoring.quality_store import ComputedPeriod, DayKey, replace_period
from churn_api.settings import SETTINGS
from churn_api.telemetry.experiment_metrics import ExperimentCollector, ObservedExperiment
from churn_api.web.core.app_services import services_of

PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
MONITORING = ROOT / "deploy" / "kubernetes" / "components" / "monitoring"
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
ALERTS = [
    rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
OLDER_NAMES = yaml.safe_load((PROMETHEUS / "older_names.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((GRAFANA / "dashboards" / "churn-api.json").read_text())
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}
OF_PROMETHEUS = {"up": {"job", "instance"}}
SCRAPED = {"job", "instance", "le"}
WORDS = {
    *("sum", "min", "max", "avg", "count", "topk", "abs", "rate", "increase", "histogram_quantile", "label_values"),
    *("by", "on", "without", "and", "or", "unless", "offset"),
}


EXPERIMENT = ObservedExperiment(
    model="small",
    challenger="2",
    mode="canary",
    running=False,
    rule="errors",
    records={"live": 900, "challenger": 100},
    errors=3,
    too_slow=0,
    mean_difference=0.02,
    outcomes=500,
    differences={"brier": (0.1, 0.05, 0.15)},
    better="challenger",
)


@pytest.fixture
def existing(client) -> dict[str, set[str]]:
    """The labels of every sample that there may be, by its name."""
    from prometheus_client import CollectorRegistry

    from churn_api.telemetry.metric_families import Families

    declared = vars(Families(CollectorRegistry())).values()
    labels = {one._name: set(one._labelnames) for one in declared if hasattr(one, "_labelnames")}
    result = dict(OF_PROMETHEUS)
    table = customers(250).drop(columns="Churn").to_csv(index=False)
    assert (
        client.post("/api/v1/batch-predict/small", data=table, content_type="text/csv", buffered=True).status_code
        == 200
    )
    services = services_of(client.application)
    services.monitoring.drift_counter.flush()
    today = datetime.now(UTC).date()
    few = QualityCounts.of(np.linspace(0, 1, 100), np.arange(100) % 2 == 0, np.ones(100, bool))
    days = {DayKey("2", "live", today, contacted=False): few}
    replace_period(services.database, "log", "small", ["2"], ComputedPeriod(today, today, "inputs", days, {}, []))
    for family in text_string_to_metric_families(client.get("/api/v1/metrics").text):
        seen = {name for sample in family.samples for name in sample.labels}
        for suffix in SUFFIXES[family.type]:
            result[family.name + suffix] = seen | labels.get(family.name, set()) | SCRAPED
    for family in ExperimentCollector(lambda: [EXPERIMENT]).collect():
        result[family.name] = {name for sample in family.samples for name in sample.labels} | SCRAPED
    return result


def expressions() -> Iterator[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in ALERTS)
    yield from ((rule["record"], rule["expr"]) for rule in OLDER_NAMES)
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", ()))
    yield from ((one["name"], one["definition"]) for one in DASHBOARD["templating"]["list"] if "definition" in one)


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Every metric that an expression names, with the labels that it chooses by."""
    bare = re.sub(r"\b(?:by|on|without) *\([^)]*\)|\[[^\]]*\]|label_values\((.*), \w+\)", r"\1", expression)
    for name, chosen in re.findall(r"\b([a-z_][a-z0-9_]*)\b(?: *\{([^}]*)\})?", re.sub(r'"[^"]*"', '""', bare)):
        outside = re.sub(r"\{[^}]*\}", "", re.sub(r'"[^"]*"', '""', bare))
        if name not in WORDS and re.search(rf"\b{name}\b", outside):
            yield name, set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", chosen))


def grouped_by(expression: str) -> set[str]:
    return {name.strip() for names in re.findall(r"\b(?:by|on) *\(([^)]*)\)", expression) for name in names.split(",")}


@pytest.mark.parametrize(("where", "expression"), list(expressions()), ids=lambda it: it[:40])
def test_metrics_exist(where, expression, existing):
    """Every metric that is asked for is there, and has the labels that it is chosen and grouped by."""
    named = list(asked(expression))
    assert named, where
    for name, chosen in named:
        assert name in existing, name
        assert chosen <= existing[name], name
        assert grouped_by(expression) <= existing[name], name


def test_every_metric_is_shown(existing):
    """The dashboard leaves nothing out that is counted."""
    shown = {name for _, expression in expressions() for name, _ in asked(expression)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in existing}
    assert families - {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} == set()


def test_runbooks():
    """Each alert has a summary, a description, a severity, and a section of its own in docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text()
    for rule in ALERTS:
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert re.findall(r"^### (ChurnApi\w+)$", text, re.M) == [rule["alert"] for rule in ALERTS]


def test_metrics_of_the_document(existing):
    """The table of docs/operations.md lists every metric with its labels, and no other."""
    section = (ROOT / "docs" / "operations.md").read_text().split("## Metrics")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", section, re.M)
    listed = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    families = {re.sub(r"_(bucket|sum|count)$", "", name): labels - SCRAPED for name, labels in existing.items()}
    assert listed == {name: labels for name, labels in families.items() if name not in OF_PROMETHEUS}


def promtool(*arguments: str) -> str:
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool here (Debian: apt-get install prometheus)")
    done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_configuration():
    """Prometheus takes the configuration and the rules."""
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


def test_alerts():
    """Alerts fire under their condition, and not otherwise."""
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_older_names():
    """The metrics of older dashboards have the values and labels that they had."""
    assert "SUCCESS" in promtool("test", "rules", "older_names_test.yml")


def test_every_older_name_is_documented_and_tested():
    """Each older name is in the table of docs/operations.md, and has a case of its own."""
    text = (PROMETHEUS / "older_names_test.yml").read_text()
    section = (ROOT / "docs" / "operations.md").read_text().split("## Older names of metrics")[1].split("\n## ")[0]
    for rule in OLDER_NAMES:
        assert f"- expr: {rule['record']}\n" in text
        assert f"`{re.sub(r'_(bucket|sum|count)$', '', rule['record'])}`" in section


def test_older_labels(existing):
    """The labels of older dashboards are added while scraping, from labels that the metrics have, in both setups."""
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    (monitor,) = yaml.safe_load_all((MONITORING / "service-monitor.yaml").read_text())
    (endpoint,) = monitor["spec"]["endpoints"]
    operators = [
        {re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key): value for key, value in one.items()}
        for one in endpoint["metricRelabelings"]
    ]
    for job in jobs:
        assert job["metric_relabel_configs"] == operators
    assert {one["target_label"]: one["source_labels"] for one in operators} == {
        "endpoint": ["route"],
        "model_name": ["model"],
        "status": ["__name__"],
    }
    assert "route" in existing["http_requests_total"]
    assert "model" in existing["model_predictions_total"]


def test_every_alert_is_tested():
    """No alert is without a case in which it fires."""
    text = (PROMETHEUS / "alerts_test.yml").read_text()
    assert {rule["alert"] for rule in ALERTS} <= set(re.findall(r'alertname="(\w+)"', text))


def test_exposition(client):
    """Promtool accepts the metrics, except for names of other projects."""
    text = client.get("/api/v1/metrics").text
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool here (Debian: apt-get install prometheus)")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "_created" not in line]
    assert complaints == []


def test_rules_of_the_operator():
    """Kubernetes gets the same alerts."""
    (rule,) = yaml.safe_load_all((MONITORING / "prometheus-rule.yaml").read_text())
    assert rule["spec"] == yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())


def test_older_names_of_the_operator():
    """Kubernetes gets the same older names."""
    (rule,) = yaml.safe_load_all((MONITORING / "older-names-rule.yaml").read_text())
    assert rule["spec"] == yaml.safe_load((PROMETHEUS / "older_names.yml").read_text())


def test_ports():
    """The scrape configuration uses the service's metrics port, and the job names of the alerts."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    jobs = {one["job_name"]: one["dns_sd_configs"][0] for one in config["scrape_configs"]}
    ports = {name: int(service["environment"]["CHURN_METRICS_PORT"]) for name, service in services().items()}
    assert jobs == {
        "churn-api": {"names": ["api"], "type": "A", "port": ports["api"]},
        "churn-api-worker": {"names": ["worker"], "type": "A", "port": ports["worker"]},
    }
    (output,) = yaml.safe_load((MONITORING / "kustomization.yaml").read_text())["configMapGenerator"]
    literals = dict(line.split("=", 1) for line in output["literals"])
    assert set(literals) <= {setting.variable for setting in SETTINGS}
    port = int(literals["CHURN_METRICS_PORT"])
    assert f"containerPort: {port}" in (MONITORING / "kustomization.yaml").read_text()
    (service,) = yaml.safe_load_all((MONITORING / "service.yaml").read_text())
    assert service["spec"]["ports"] == [{"name": "metrics", "port": port, "targetPort": "metrics"}]
    (policy,) = yaml.safe_load_all((MONITORING / "network-policy.yaml").read_text())
    assert policy["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": port}]
    (monitor,) = yaml.safe_load_all((MONITORING / "service-monitor.yaml").read_text())
    assert {one["replacement"] for one in monitor["spec"]["endpoints"][0]["relabelings"]} == set(jobs)
    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]


def services() -> dict[str, Any]:
    return {name: COMPOSE["services"][name] for name in ("api", "worker")}


def test_grafana_finds_its_files():
    """The data source has the name that the panels ask, and compose mounts every file where Grafana looks."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    asked_of = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"] if "datasource" in panel}
    (chosen,) = [one for one in DASHBOARD["templating"]["list"] if one["type"] == "datasource"]
    assert asked_of == {"${datasource}"}
    assert (chosen["name"], chosen["query"], chosen["current"]["value"]) == (
        "datasource",
        source["type"],
        source["uid"],
    )
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/churn-api.yaml").read_text())["providers"]
    mounted = dict(volume.split(":")[:2] for volume in COMPOSE["services"]["grafana"]["volumes"])
    assert mounted["./grafana/dashboards/churn-api.json"].startswith(provider["options"]["path"])
    files = {f"./{path.relative_to(ROOT / 'deploy')}" for path in GRAFANA.rglob("*.*")}
    assert files <= set(mounted)


def test_panels_have_places():
    """No two panels overlap, and each has an id of its own."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_files_are_of_this_folder():
    """Files that Prometheus' configuration names are mounted with it."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    mounted = [Path(volume.split(":")[1]).name for volume in COMPOSE["services"]["prometheus"]["volumes"]]
    assert {"prometheus.yml", *config["rule_files"]} <= set(mounted)
