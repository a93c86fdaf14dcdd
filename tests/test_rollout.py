"""New releases and new versions behind a real nginx: some of the requests, then all. Skipped where there is none."""

import re
import shutil
from collections import Counter

import pytest
import requests
from builders import CUSTOMER
from conftest import ROOT, serving
from test_draining import asked, folder, wait_for_more, wait_until  # noqa: F401 - a fixture

from benchmarks.nginx import nginx_before

ROUTE = "/api/v1/predict/small"
UPSTREAM = r"upstream churn_api \{.*?\}"

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")


@pytest.fixture
def nginx(folder):  # noqa: F811
    """An nginx before two sockets, whose answers name the socket that they come from."""
    with nginx_before(folder, folder / "blue.sock", folder / "green.sock") as running:
        change(running, "server_tokens off;", "add_header X-Group $upstream_addr;")
        yield running


@pytest.fixture
def groups(models_dir, folder, nginx):  # noqa: F811
    """Two process groups of one worker, blue and green."""
    settings = {"CHURN_ALLOW_OPEN": "1", "WEB_CONCURRENCY": "1"}
    sockets = [folder / "blue.sock", folder / "green.sock"]
    blue, green = (
        serving(models_dir, own.with_suffix(".log"), alive=nginx.url, HOST=f"unix:{own}", **settings) for own in sockets
    )
    with blue as one, green as other:
        wait_until(lambda: all(own.is_socket() for own in sockets))
        yield one, other


def change(nginx, pattern, replacement):
    """Change nginx's file, and have nginx read it."""
    text, changes = re.subn(pattern, lambda _: replacement, nginx.site.read_text(), flags=re.S)
    assert changes == 1
    nginx.reload(text)


def upstream(folder, **weights):  # noqa: F811
    servers = (f"server unix:{folder}/{name}.sock weight={weight};" for name, weight in weights.items())
    return f"upstream churn_api {{ {' '.join(servers)} }}"


def group(nginx):
    """The socket of the group that answers next."""
    answer = requests.post(nginx.url + ROUTE, json=CUSTOMER, timeout=10)
    assert answer.status_code == 200
    return answer.headers["X-Group"].rpartition("/")[2]


def test_blue_to_green(nginx, groups, folder):  # noqa: F811
    """One line of nginx's file moves all requests to another group, under load: none fails, and the first can stop."""
    change(nginx, UPSTREAM, upstream(folder, blue=1))
    wait_until(lambda: {group(nginx) for _ in range(4)} == {"blue.sock"})
    with asked(nginx.url) as answers:
        change(nginx, UPSTREAM, upstream(folder, green=1))
        wait_until(lambda: {group(nginx) for _ in range(4)} == {"green.sock"})
        groups[0].process.terminate()
        assert groups[0].process.wait(timeout=60) == 0
        wait_for_more(answers)
    assert set(answers) == {200}, answers


def test_a_part_to_the_new_release(nginx, groups, folder):  # noqa: F811
    """By weights one request of ten goes to the new group."""
    change(nginx, UPSTREAM, upstream(folder, blue=9, green=1))
    wait_until(lambda: Counter(group(nginx) for _ in range(20)) == {"blue.sock": 18, "green.sock": 2})


def test_a_part_to_the_new_version(nginx, groups, make_key):
    """deploy/nginx/canary.conf gives a part of the callers another version, always the same one to the same caller."""
    canary = (ROOT / "deploy/nginx/canary.conf").read_text().replace("10%", "30%").replace("version=2", "version=1")
    change(nginx, "^", canary)
    change(nginx, "location / {", f"location = {ROUTE} {{ proxy_pass http://churn_api$uri$canary; }} location / {{")
    keys = [make_key("predict", name=f"caller-{number}") for number in range(30)]
    wait_until(lambda: "1" in {version(nginx, key) for key in keys})
    output = {key: {version(nginx, key) for _ in range(3)} for key in keys}
    assert all(len(versions) == 1 for versions in output.values())
    assert Counter(versions.pop() for versions in output.values()).keys() == {"1", "2"}
    assert {version(nginx, key, "?version=2") for key in keys} == {"2"}


def version(nginx, key, query=""):
    """The version that answers a caller."""
    answer = requests.post(nginx.url + ROUTE + query, json=CUSTOMER, headers={"X-API-Key": key}, timeout=10)
    assert answer.status_code == 200
    return answer.json()["model_version"]
