"""What hostile requests to every route, from several clients at once, do to four workers and a job worker."""

import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.corpus import USUAL, Raw, corpus, faults_of
from benchmarks.models import FOLDER, MODELS, make_models
from benchmarks.report import table_of, write_figures
from benchmarks.server_log import log_faults
from benchmarks.servers import OURS, Server, make_live, running
from churn_api.access.caller import SCOPES
from churn_api.app import create_app

WORKERS, CLIENTS = 4, 4
TIMEOUT_SECONDS = 30
GROWTH = 0.10
"""The part by which memory may grow once the workers have loaded what they load at its first use."""
SHOWN = 20
KEPT = FOLDER / "soak.log"
"""Where the lines of the log stay that should not be there: the temporary folder goes."""


class Memory(NamedTuple):
    """Of all processes together (PSS), in megabytes: at the start, after the corpus was sent once, and at the end."""

    before: float
    warm: float | None
    """None where there was no time to send it once."""
    after: float

    def faults(self) -> Iterator[str]:
        """By how much too much it grew."""
        if self.warm is not None and self.after > self.warm * (1 + GROWTH):
            yield f"memory grew by {self.after / self.warm - 1:.0%}: {self.warm:.1f} MB warm, {self.after:.1f} MB after"


class Counts:
    """What the clients saw."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def note(self, raw: Raw, answer: bytes) -> None:
        """Count an answer, and what is wrong with it."""
        self.faults.update(f"{fault} ({raw.method} {raw.rule})" for fault in self._faults(raw, answer))

    def _faults(self, raw: Raw, answer: bytes) -> Iterator[str]:
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head:
            self.answers["none"] += 1
            yield "no answer"
            return
        status = int(head.split()[1])
        self.answers["503" if status == 503 else f"{status // 100}xx"] += 1
        types = [line[14:].decode() for line in head.split(b"\r\n") if line.lower().startswith(b"content-type: ")]
        yield from faults_of(raw, status, types[0] if types else None, body)


def run(seconds: int, *, dry: bool) -> None:
    """Soak, and write benchmarks/README.md unless `dry`. Ends with an error where the service did not hold."""
    models = make_models(FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder)
        settings = {"CHURN_INSTANCE_DIR": folder, "CHURN_DEFAULT_MODEL": MODELS[0], "CHURN_AUTH": "required"}
        settings |= {"CHURN_DATA_DIR": str(_data(instance))}
        key = make_live(models, ",".join(SCOPES), CHURN_INSTANCE_DIR=folder)
        own = {name.removeprefix("CHURN_"): value for name, value in settings.items()}
        app = create_app(own | {"MODELS_DIR": str(models)})
        requests = list(corpus(app, key, usual=USUAL | {"model": MODELS[0].encode()}))
        log = instance / "server.log"
        settings |= {"WEB_CONCURRENCY": str(WORKERS), "CHURN_JOB_WORKER": "1", "CHURN_LOG_FORMAT": "json"}
        with running(OURS, models, log=log, **settings) as server:
            faults = _soak(server, requests, seconds, dry=dry)
        # Once it has ended: how it stops is in the log too.
        faults += _log_faults(log)
    if faults:
        print(*faults[:SHOWN], sep="\n")
        raise SystemExit(f"the service did not hold: {len(faults)} kinds of fault")


def _data(instance: Path) -> Path:
    """A folder with the table that jobs of the corpus read."""
    folder = instance / "data"
    folder.mkdir()
    shutil.copy(FOLDER / "customers.csv", folder / "data.csv")
    return folder


def _soak(server: Server, requests: list[Raw], seconds: int, *, dry: bool) -> list[str]:
    """Send the corpus once, then over and over until the time is up, and return what was wrong."""
    counts, before, at_start = Counts(), _all_started(server), server.pss_megabytes()
    until = time.monotonic() + seconds
    clients = [requests[at::CLIENTS] for at in range(CLIENTS)]
    _send(server, map(iter, clients), until, counts)
    warm = server.pss_megabytes() if counts.answers.total() == len(requests) else None
    _send(server, map(cycle, clients), until, counts)
    memory = Memory(at_start, warm, server.pss_megabytes())
    replaced = len(before - _workers(server))
    write_figures("soak", _table(counts, seconds, len(requests), replaced, memory), dry=dry)
    if memory.warm is None:
        print("memory is not compared: there was no time to send the corpus once")
    faults = [f"{times} x {fault}" for fault, times in counts.faults.most_common()]
    faults += [f"{replaced} of {WORKERS} workers replaced"] if replaced else []
    faults += [] if counts.answers["2xx"] else ["no request was answered with success"]
    return [*memory.faults(), *faults]


def _send(server: Server, clients: Iterable[Iterator[Raw]], until: float, counts: Counts) -> None:
    """Send what each client has, all at once, for as long as there is time."""
    with ThreadPoolExecutor(CLIENTS) as threads:
        # Listed, or an exception in a client would be lost.
        list(threads.map(lambda requests: _client(server, requests, until, counts), clients))


def _client(server: Server, requests: Iterator[Raw], until: float, counts: Counts) -> None:
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    for raw in requests:
        if time.monotonic() > until:
            return
        counts.note(raw, _answer(address, raw))


def _answer(address: tuple[str, int], raw: Raw) -> bytes:
    """What comes back until the server closes; what came before it broke off, or fell silent."""
    answer = b""
    with suppress(ConnectionError, TimeoutError), socket.create_connection(address, TIMEOUT_SECONDS) as client:
        client.sendall(raw.wire())
        while part := client.recv(1 << 16):
            answer += part
    return answer


def _all_started(server: Server) -> set[int]:
    """Its processes, once there are all of them: the first one answers while the others are forked."""
    for _ in range(3000):
        result = _workers(server)
        if len(result) == WORKERS + 1:
            return result
        time.sleep(0.01)
    raise SystemExit(f"the server has {len(result)} processes, not {WORKERS} workers and a supervisor")


def _workers(server: Server) -> set[int]:
    """What gunicorn started: its workers, and the supervisor of the job worker."""
    return {worker.pid for worker in psutil.Process(server.processes[0].pid).children()}


def _log_faults(log: Path) -> list[str]:
    """What the server's log says went wrong, each kind of line once."""
    counts, lines = log_faults(log)
    KEPT.write_bytes(b"".join(lines))
    return [f"{times} x in the log, {fault} ({KEPT})" for fault, times in counts.most_common()]


def _table(counts: Counts, seconds: int, requests: int, replaced: int, memory: Memory) -> str:
    answers = counts.answers
    head = ["seconds", "requests", "times the corpus", "2xx", "3xx", "4xx", "503", "5xx", "none", "workers replaced"]
    figures = [f"{seconds:,}", f"{answers.total():,}", f"{answers.total() / requests:.2f}"]
    figures += [f"{answers[kind]:,}" for kind in ("2xx", "3xx", "4xx", "503", "5xx", "none")]
    megabytes = ["" if each is None else f"{each:.1f}" for each in memory]
    head += ["memory (PSS) before, MB", "warm, MB", "after, MB"]
    return table_of(head, [[*figures, str(replaced), *megabytes]])
