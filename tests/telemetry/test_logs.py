"""Lines of the log, written by processes of their own."""

import json
import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from churn_api.telemetry.exception_format import format_exception
from churn_api.telemetry.log_lines import MAX_BYTES

BEGIN = """
import logging, os, sys
from churn_api.config import load_settings
from churn_api.telemetry import logs
logs.configure(load_settings())
log = logging.getLogger("churn_api.tried")
"""


def run(code, **settings):
    """What a process that logs writes to stdout."""
    environment = os.environ | {f"CHURN_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-c", BEGIN + code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def lines(code, **settings):
    return [json.loads(line) for line in run(code, **settings).splitlines()]


def test_one_form():
    """Events and records of `logging` have the same first fields, and the bound context."""
    event, record = lines(
        "logs.log_event(logging.INFO, 'request', {'status': 200})\n"
        "with logs.bound_context(job='one'): log.info('job %s: done', 'one')"
    )
    assert list(event) == ["timestamp", "level", "event", "pid", "status"]
    assert list(record) == ["timestamp", "level", "event", "pid", "logger", "job"]
    assert (record["event"], record["job"], record["level"]) == ("job one: done", "one", "info")
    assert record["timestamp"].endswith("Z")


def test_levels():
    """LOG_LEVEL is the least level that is written; of libraries, only warnings are."""
    code = (
        "for name in ('debug', 'info', 'warning', 'error'):\n"
        "    getattr(log, name)(name)\n"
        "    getattr(logging.getLogger('library'), name)('theirs ' + name)\n"
        "    logs.log_event(getattr(logging, name.upper()), 'event ' + name, {})"
    )
    events = {level: [line["event"] for line in lines(code, LOG_LEVEL=level)] for level in ("debug", "error")}
    assert events["error"] == ["error", "theirs error", "event error"]
    assert "debug" in events["debug"]
    assert "event debug" in events["debug"]
    assert "theirs info" not in events["debug"]


def test_exceptions():
    """An exception has its traceback in its line, as Python prints it, with what led to it, and no variable's value."""
    code = (
        "def inner(record):\n    return 1 / 0\n"
        "try:\n"
        "    try: inner('Hid' + 'den Name')\n"
        "    except ZeroDivisionError as error: raise RuntimeError('cannot') from error\n"
        "except RuntimeError: log.exception('broke')"
    )
    (line,) = lines(code)
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert "in inner\n" in line["exception"]
    assert "ZeroDivisionError: division by zero\n\nThe above exception was the direct cause" in line["exception"]
    assert line["exception"].endswith("RuntimeError: cannot")
    assert "Hidden Name" not in line["exception"]


def test_no_words_about_clients():
    """Messages of exceptions in a job or a request are omitted, since they may quote data; LOG_RECORDS adds them."""
    code = (
        "with logs.bound_context(job='one'):\n"
        "    try: float('Hid' + 'den')\n"
        "    except ValueError: log.exception('broke')\n"
        "    try: open('/nowhere/' + 'Hid' + 'den')\n"
        "    except OSError: log.exception('broke')\n"
    )
    value, system = (line["exception"] for line in lines(code))
    assert "Hidden" not in value + system
    assert value.endswith("ValueError")
    assert system.endswith("FileNotFoundError: No such file or directory")
    warned, value, _ = lines(code, LOG_RECORDS="1")
    assert (warned["level"], "LOG_RECORDS is on" in warned["event"]) == ("warning", True)
    assert value["exception"].endswith("could not convert string to float: 'Hidden'")


def test_exceptions_that_lead_to_each_other():
    """A circular chain of causes is printed once."""
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    assert format_exception(one, with_messages=True).count("ValueError: one") == 1


def test_what_nobody_catches():
    """Uncaught exceptions of processes and threads, and Python's warnings, have the same format."""
    result = lines(
        "import threading, warnings\n"
        "thread = threading.Thread(target=lambda: 1 / 0, name='tried'); thread.start(); thread.join()\n"
        "warnings.warn('old', stacklevel=1)\n"
        "raise KeyError('x')"
    )
    assert [line["event"].split("\n")[0][:30] for line in result[::2]] == [
        "the thread tried ended with an",
        "the process ends with an excep",
    ]
    assert ["exception" in line for line in result] == [True, False, True]
    assert "old" in result[1]["event"]


def test_text():
    """LOG_FORMAT=text is for people: time, level and event first, tracebacks on lines of their own, without colours."""
    code = (
        "try: 1 / 0\nexcept ZeroDivisionError: log.exception('broke')\nlogs.log_event(20, 'request', {'status': 200})"
    )
    printed = run(code, LOG_FORMAT="text")
    assert "\x1b" not in printed
    assert "[error    ] broke" in printed
    assert "\nZeroDivisionError: division by zero\n" in printed
    assert "status=200" in printed


def test_text_on_a_terminal():
    """By default the log is text on a terminal, and JSON elsewhere."""
    master, slave = os.openpty()
    command = [sys.executable, "-c", BEGIN + "log.info('hello')"]
    subprocess.run(command, cwd=ROOT, env=os.environ, stdout=slave, check=True)
    os.close(slave)
    assert "hello" in os.read(master, 4096).decode()
    os.close(master)
    assert lines("log.info('hello')")[0]["event"] == "hello"


@pytest.mark.parametrize("text", ["x", '"', "\n", "é", "\ud800", "\x00"])
def test_long_lines(text):
    """No line exceeds an atomic pipe write: its longest fields lose their middle, the others stay."""
    sent = f"chr({ord(text)}) * 50_000"
    code = f"logs.log_event(20, 'request', {{'status': 200, 'records': 'first' + {sent} + 'last', 'other': {sent}}})"
    printed = run(code + f"\nlog.info('%s', 'first' + {sent})")
    for line in printed.splitlines():
        assert len(line.encode()) < MAX_BYTES
    assert json.loads(printed.splitlines()[0])["status"] == 200


def test_many_writers_and_a_slow_reader():
    """Lines of four processes that fill one pipe, some of them too long, all arrive unmixed."""
    code = (
        "for number in range(4):\n"
        "    if os.fork() == 0:\n"
        "        for line in range(400):\n"
        "            logs.log_event(20, 'tried', {'number': number, 'line': line, 'text': 'x' * (line * 97 % 9000)})\n"
        "            log.info('tried %d %s', line, 'y' * (line * 89 % 7000))\n"
        "        os._exit(0)\n"
        "for _ in range(4): os.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", BEGIN + code], cwd=ROOT, stdout=subprocess.PIPE) as process:
        time.sleep(1)
        result = [json.loads(line) for line in process.stdout]
    numbers = [(line["number"], line["line"]) for line in result if "number" in line]
    assert sorted(numbers) == [(number, line) for number in range(4) for line in range(400)]
    assert len(result) == 3200


def test_nobody_reads():
    """When the reader of the log ends, lines are lost, and the program continues."""
    code = "import time\ntime.sleep(0.5)\nfor _ in range(50): log.info('x' * 3000)\nprint('went on', file=sys.stderr)"
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.stderr.read() == "went on\n"
    process.stderr.close()
    assert process.wait(30) == 0
