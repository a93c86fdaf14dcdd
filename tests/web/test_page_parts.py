"""The parts of the API page, and that processes which never show it do not load them."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("path", ["/docs", "/apidocs", "/apidocs/", "/redoc"])
@pytest.mark.parametrize("mounted", ["", "/churn"])
def test_page(client, path, mounted):
    """The page is served at each of its paths, mounted or not, and every file that it loads exists."""
    answer = client.get(path, environ_overrides={"SCRIPT_NAME": mounted})
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    named = [part.split('"')[0] for part in answer.text.replace('src="', 'href="').split('href="')[1:]]
    own = [address for address in named if address != "data:,"]
    assert len(own) > 3
    for address in own:
        assert address.startswith(f"{mounted}/")
        with client.get(address.removeprefix(mounted)) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("name", ["nothing.js", "../index.html", "%2e%2e/%2e%2e/METADATA", ""])
def test_no_other_file(client, name):
    """Other paths below the page's are 404 problems."""
    answer = client.get(f"/flasgger_static/{name}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_loaded_by_the_first_visitor(models_dir):
    """An application does not load Flasgger until the page is requested."""
    code = (
        "import sys; from churn_api.app import create_app\n"
        f"client = create_app({{'MODELS_DIR': {str(models_dir)!r}}}).test_client()\n"
        "print('flasgger' in sys.modules, client.get('/docs').status_code, 'flasgger' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False 200 True"


def test_redoc_names_no_other_server(client):
    """What the reference page loads of Redoc loads nothing from a server of its makers."""
    with client.get("/static/redoc/redoc.standalone.js") as script:
        assert script.mimetype == "text/javascript"
        assert "Redoc" in script.text
        assert "cdn." not in script.text
