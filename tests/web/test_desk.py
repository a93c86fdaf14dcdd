"""The desk as a server sends it: a frame in two languages, and files whose addresses change with them."""

import ast
import errno
import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import churn_api
from churn_api.app import create_app
from churn_api.contract.record import UNKNOWN_FIELD
from churn_api.jobs.failures import _CODES, failure_of
from churn_api.jobs.leases import EXHAUSTED
from churn_api.monitoring.drift import DriftState
from churn_api.monitoring.experiment_verdict import Measure, State
from churn_api.monitoring.watch_document import TOO_FEW
from churn_api.reasons.catalogue import catalogues
from churn_api.web.core.in_process_api import close
from churn_api.web.core.problems import KINDS
from churn_api.web.pages.shared.desk_files import FOLDER, desk_files, desk_words

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PACKAGE = Path(churn_api.__file__).parent
WORDS = desk_words()
UNFOLDED = 130_000


def addresses(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/[^"#]+)"', page)


@pytest.mark.parametrize("mounted", ["", "/churn"])
def test_frame(client, mounted):
    """A browser gets a page under a strict policy, whose files all exist, below the prefix that it is mounted at."""
    answer = client.get("/", headers=HTML, environ_overrides={"SCRIPT_NAME": mounted})
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "script-src 'self'; style-src 'self';" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    named = addresses(answer.text)
    assert f'data-api="{mounted}/api/v1"' in answer.text
    assert len(named) > 10
    assert not any("/model.js" in address for address in named)
    for address in named:
        assert address.startswith(f"{mounted}/")
        assert client.get(address.removeprefix(mounted)).status_code == 200


def test_nothing_inline(client):
    """The frame has no script and no style in it, and names no other server."""
    page = client.get("/", headers=HTML).text
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?://", page) == []


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.9"])
def test_json_for_the_rest(client, accept):
    """Whoever does not prefer a page gets the service card."""
    answer = client.get("/", headers={"Accept": accept} if accept else {})
    assert (answer.mimetype, answer.json["name"]) == ("application/json", "churn-api")
    assert "Accept" in answer.vary


def test_switched_off(models_dir, monkeypatch):
    """With CHURN_DESK=off a browser gets the service card as well."""
    monkeypatch.setenv("CHURN_DESK", "off")
    app = create_app({"MODELS_DIR": str(models_dir)})
    assert app.test_client().get("/", headers=HTML).mimetype == "application/json"
    close(app)


@pytest.mark.parametrize(
    ("accepted", "language"), [("de-AT,en;q=0.5", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en")]
)
def test_language(client, accepted, language):
    """The frame is in the language that the browser prefers."""
    answer = client.get("/", headers=HTML | {"Accept-Language": accepted})
    assert f'<html lang="{language}"' in answer.text
    assert WORDS[language]["nav.customer"] in answer.text
    assert "Accept-Language" in answer.vary


def test_files_are_cached_for_good(client):
    """A file's address has the digest of all, so that it may be cached for as long as the browser likes."""
    address = f"/desk/{desk_files().digest}/start.js"
    answer = client.get(address)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert client.get(address.replace(desk_files().digest, "0" * 16)).status_code == 404


@pytest.mark.parametrize(
    "name", ["types.d.ts", "nothing.js", "../docs.js", "%2e%2e/docs.js", "words/../start.js", "words"]
)
def test_no_other_file(client, name):
    """Nothing else below the address is served."""
    assert client.get(f"/desk/{desk_files().digest}/{name}").status_code == 404


def test_shortened_scripts():
    """A script is served without comments and indentation, and each line stands where the source has it."""
    for name, data in desk_files().content.items():
        if name.endswith(".js"):
            served, written = data.decode().split("\n"), (FOLDER / name).read_text().split("\n")
            assert "/**" not in data.decode()
            code = [re.sub(r"/\*\*.*?\*/ ?", "", line).strip() for line in written]
            assert [line for line, source in zip(served, code, strict=True) if line and line != source] == []


@pytest.mark.parametrize("view", ["customer.js", "call-list.js", "model.js", "watch.js"])
def test_size(view):
    """What a browser loads for a view, in whatever language, stays below 130 KB unfolded."""
    files = desk_files()
    loaded = [*files.needed_by("start.js", view), "desk.css", "icon.svg"]
    words = max(len(data) for name, data in files.content.items() if name.startswith("words/"))
    assert view in loaded
    assert sum(len(files.content[name]) for name in loaded) + words < UNFOLDED


def test_no_script_is_left_over():
    """Every script is needed by a view."""
    files = desk_files()
    scripts = {name for name in files.content if name.endswith(".js")}
    assert set(files.needed_by("start.js", "customer.js", "call-list.js", "model.js", "watch.js")) == scripts


def test_languages_are_those_of_reasons():
    """The desk speaks every language that reasons speak, with the same words and the same names in braces."""
    assert WORDS.keys() == catalogues().keys()
    names = {
        code: {word: {name for _, name, _, _ in Formatter().parse(text) if name} for word, text in words.items()}
        for code, words in WORDS.items()
    }
    assert all(words == names["en"] for words in names.values())


def codes_of_faults() -> set[str]:
    """The code of each fault that the service makes, outside the protocols of other systems."""
    codes = set()
    for path in PACKAGE.rglob("*.py"):
        if "protocols" not in path.parts:
            tree = ast.parse(path.read_text())
            calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
            made = [call.args[0] for call in calls if call.func.id in ("Fault", "fail", "_fault") and call.args]
            codes |= {code.value for code in made if isinstance(code, ast.Constant)}
            codes |= {UNKNOWN_FIELD for code in made if isinstance(code, ast.Name) and code.id == "UNKNOWN_FIELD"}
    return codes


def codes_of_failed_jobs() -> set[str]:
    """The code of each reason for which a job fails."""
    full, broken = (failure_of(OSError(number, "")) for number in (errno.ENOSPC, errno.EIO))
    limits = re.findall(r'JobLimitExceeded\("([\w-]+)"', (PACKAGE / "jobs" / "job_limits.py").read_text())
    return {code for _, code in _CODES} | {EXHAUSTED, full[0], broken[0], *limits}


def test_every_code_has_words():
    """Whatever the API refuses, doubts or finds, the desk says it in its own words, in each language."""
    words = {f"fault.{code}" for code in codes_of_faults()}
    words |= {f"problem.{code}" for code in KINDS.keys() | codes_of_failed_jobs()}
    words |= {f"state.{state}" for state in (TOO_FEW, *DriftState.__members__)}
    words |= {f"verdict.{state}" for state in get_args(State)}
    words |= {f"measure.{measure}" for measure in get_args(Measure)}
    assert len(words) > 70
    for code in WORDS:
        assert words - WORDS[code].keys() == set()


def test_every_word_is_used():
    """No word is left over: each stands in the frame, in a script, or is made of a code that the API answers."""
    frame = (FOLDER.parents[1] / "templates" / "desk.html").read_text()
    scripts = "".join(path.read_text() for path in FOLDER.glob("*.js"))
    by_code = tuple(re.findall(r'byCode\("(\w+)"', scripts)) + tuple(re.findall(r"`([\w-]+)\.\$\{", scripts)) + ("nav",)
    unused = [
        word
        for word in WORDS["en"]
        if f'"{word}"' not in frame + scripts and not word.startswith(tuple(f"{start}." for start in by_code))
    ]
    assert unused == []
