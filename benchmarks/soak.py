"""What hostile requests to every route, from several clients at once, do to four workers."""

import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice

import psutil

from benchmarks.corpus import USUAL, Raw, corpus, faults_of
from benchmarks.models import FOLDER, MODELS, make_models
from benchmarks.report import table_of, write_figures
from benchmarks.servers import OURS, Server, churn_api, make_live, running
from churn_api.access.caller import SCOPES
from churn_api.app import create_app

WORKERS, CLIENTS = 4, 4
WARM_UP = 0.2
"""Part of the time after which memory is taken as what it is to stay: workers load what they need at its first use."""
TIMEOUT_SECONDS = 30
SHOWN = 20


class Tally:
    """What the clients saw."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def note(self, raw: Raw, answer: bytes) -> None:
        """Count an answer, and what is wrong with it."""
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head:
            # The server closed while the client still sent: what it had refused, it did not read.
            self.answers["none"] += 1
            return
        status = int(head.split()[1])
        self.answers["503" if status == 503 else f"{status // 100}xx"] += 1
        types = [line[14:].decode() for line in head.split(b"\r\n") if line.lower().startswith(b"content-type: ")]
        for fault in faults_of(raw, status, types[0] if types else None, body):
            self.faults[f"{fault} ({raw.method} {raw.target[:60].decode('latin-1')})"] += 1


def run(seconds: int, *, dry: bool) -> None:
    """Soak, and write benchmarks/README.md unless `dry`. Ends with an error where a worker failed or was replaced."""
    models = make_models(FOLDER)
    with tempfile.TemporaryDirectory() as instance:
        settings = {"CHURN_INSTANCE_DIR": instance, "CHURN_DEFAULT_MODEL": MODELS[0], "CHURN_AUTH": "required"}
        make_live(models, CHURN_INSTANCE_DIR=instance)
        made = churn_api("keys", "create", "--name", "soak", "--scopes", ",".join(SCOPES), CHURN_INSTANCE_DIR=instance)
        own = {name.removeprefix("CHURN_"): value for name, value in settings.items()}
        app = create_app(own | {"MODELS_DIR": str(models)})
        requests = list(corpus(app, made.decode().strip(), usual=USUAL | {"model": MODELS[0].encode()}))
        with running(OURS, models, WEB_CONCURRENCY=str(WORKERS), **settings) as server:
            _soak(server, requests, seconds, dry=dry)


def _soak(server: Server, requests: list[Raw], seconds: int, *, dry: bool) -> None:
    tally, before = Tally(), _workers(server)
    memory = [server.pss_megabytes()]
    until = time.monotonic() + seconds
    clients = [
        threading.Thread(target=_client, args=(server, islice(cycle(requests), at, None, CLIENTS), until, tally))
        for at in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    time.sleep(seconds * WARM_UP)
    memory.append(server.pss_megabytes())
    for client in clients:
        client.join()
    memory.append(server.pss_megabytes())
    replaced = len(before - _workers(server))
    for fault, times in tally.faults.most_common(SHOWN):
        print(f"{times} x {fault}")
    write_figures("soak", _table(tally, seconds, len(requests), replaced, memory), dry=dry)
    if tally.faults or replaced or not tally.answers["2xx"]:
        raise SystemExit("the service did not hold")


def _client(server: Server, requests: Iterator[Raw], until: float, tally: Tally) -> None:
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    for raw in requests:
        if time.monotonic() > until:
            return
        tally.note(raw, _answer(address, raw))


def _answer(address: tuple[str, int], raw: Raw) -> bytes:
    """What comes back until the server closes; what came before it broke off."""
    answer = b""
    with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as client:
        try:
            client.sendall(raw.wire())
            while part := client.recv(1 << 16):
                answer += part
        except ConnectionError:
            pass
    return answer


def _workers(server: Server) -> set[int]:
    return {worker.pid for worker in psutil.Process(server.processes[0].pid).children()}


def _table(tally: Tally, seconds: int, requests: int, replaced: int, memory: list[float]) -> str:
    answers = tally.answers
    rounds = sum(answers.values()) / requests
    head = ["seconds", "requests", "times the corpus", "2xx", "3xx", "4xx", "503", "5xx", "none", "workers replaced"]
    figures = [seconds, f"{sum(answers.values()):,}", f"{rounds:.2f}"]
    figures += [f"{answers[kind]:,}" for kind in ("2xx", "3xx", "4xx", "503", "5xx", "none")]
    row = [*map(str, figures), str(replaced), *(f"{megabytes:.1f}" for megabytes in memory)]
    return table_of([*head, "memory (PSS) before, MB", "warm, MB", "after, MB"], [row])
