"""The monthly retraining: the script that cron runs, and the CronJob of Kubernetes that runs the same script."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from builders import customers, write_csv
from click.testing import CliRunner
from conftest import ROOT

from churn_api.cli import main

SCRIPT = ROOT / "deploy" / "container" / "retrain.sh"
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPONENT = KUBERNETES / "components" / "retraining"
CLAIM, CRON = yaml.safe_load_all((COMPONENT / "retrain.yaml").read_text())
POD = CRON["spec"]["jobTemplate"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


@pytest.fixture
def retrain(tmp_path, monkeypatch):
    """Run the script on a table; holdout.csv has later customers."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    write_csv(customers(400, seed=7), tmp_path / "holdout.csv")

    def run(table, *options):
        write_csv(table, tmp_path / "customers.csv")
        command = ["sh", SCRIPT, "telco", "customers.csv", "holdout.csv", "--target", "Churn", "--id", "customerID"]
        command += ["--estimator", "logistic", *options]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def live_version():
    listed = json.loads(CliRunner().invoke(main, ["models", "list", "--json"]).stdout)
    return {model["name"]: model["live"] for model in listed}.get("telco")


def test_months(retrain):
    """The first version is made live, and each that is not worse; a worse one exits with 3, and the live one stays."""
    first = retrain(customers(400))
    assert (first.returncode, live_version()) == (0, "1"), first.stderr
    assert retrain(customers(400, seed=2)).returncode == 0
    assert live_version() == "2"
    noise = customers(400)
    noise["Churn"] = np.random.default_rng(0).permutation(noise["Churn"])
    worse = retrain(noise)
    assert (worse.returncode, "version 3 of 'telco' is worse: ROC-AUC -" in worse.stderr) == (3, True), worse.stderr
    assert live_version() == "2"


def test_refused(retrain):
    """A table that cannot be trained on exits with 2, and nothing is made live."""
    refused = retrain(customers(400).drop(columns="Churn"))
    assert (refused.returncode, "no column 'Churn'" in refused.stderr) == (2, True)
    assert live_version() is None


def test_command():
    """The CronJob runs the script, which the image has in its working folder, with options of `train`."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "deploy/container/retrain.sh /opt/churn-api/app/" in dockerfile
    assert "WORKDIR /opt/churn-api/app" in dockerfile
    shell, script, _model, table, holdout, *options = CONTAINER["command"]
    assert (shell, script) == ("sh", SCRIPT.name)
    (training,) = [mount for mount in CONTAINER["volumeMounts"] if mount["name"] == "training"]
    assert all(path.startswith(f"{training['mountPath']}/") for path in (table, holdout))
    command = main.get_command(None, "train")
    known = {name for parameter in command.params for name in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_pod():
    """Its pod is as restricted as the base's, and mounts the volumes of the base beside one of its own."""
    (migrate,) = yaml.safe_load_all((KUBERNETES / "base" / "migrate.yaml").read_text())
    like = migrate["spec"]["template"]["spec"]
    for key in ("serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "securityContext"):
        assert POD[key] == like[key]
    assert CONTAINER["securityContext"] == like["containers"][0]["securityContext"]
    assert CONTAINER["envFrom"] == like["containers"][0]["envFrom"]
    claims = {claim["metadata"]["name"] for claim in yaml.safe_load_all((KUBERNETES / "base/storage.yaml").read_text())}
    mounted = {volume["persistentVolumeClaim"]["claimName"] for volume in POD["volumes"] if "emptyDir" not in volume}
    assert mounted <= claims | {CLAIM["metadata"]["name"]}


def test_valid():
    """The resources are valid by the schemas of Kubernetes."""
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for resource in (CLAIM, CRON):
        kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


def test_overlay_with_retraining(tmp_path):
    """An overlay that names the component has the CronJob, in its own namespace and with its own image."""
    if not shutil.which("kubectl"):
        pytest.skip("there is no kubectl here")
    copied = shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    overlay = copied / "overlays" / "staging" / "kustomization.yaml"
    kustomization = yaml.safe_load(overlay.read_text())
    kustomization["components"] = ["../../components/retraining"]
    kustomization["images"].append({"name": "churn-api-train", "newName": "registry.example.com/train", "newTag": "9"})
    overlay.write_text(yaml.safe_dump(kustomization))
    command = ["kubectl", "kustomize", str(overlay.parent)]
    built = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (cron,) = [resource for resource in yaml.safe_load_all(built) if resource["kind"] == "CronJob"]
    assert cron["metadata"]["namespace"] == kustomization["namespace"]
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/train:9"
