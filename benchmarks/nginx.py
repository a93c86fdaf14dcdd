"""An nginx of one's own in front of a service's socket, by the configuration that deploy/ has."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

SITE = Path(__file__).parents[1] / "deploy/nginx/churn-api.conf"
RELOAD_SECONDS = 60


class Nginx(NamedTuple):
    """A running nginx."""

    port: int
    process: subprocess.Popen[bytes]
    site: Path
    """Its file, which `reload` replaces."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def reload(self, site: str) -> None:
        """Give it another file, and have it read its files again, as `nginx -s reload` does.

        Returns when the processes are gone that had the old ones: until then they take requests too.
        """
        # In one step: one that still reads for an earlier call would find half a file, and an empty one has no port.
        new = self.site.with_suffix(".new")
        new.write_text(site)
        new.replace(self.site)
        before = psutil.Process(self.process.pid).children()
        self.process.send_signal(signal.SIGHUP)
        _, left = psutil.wait_procs(before, timeout=RELOAD_SECONDS)
        if left:
            raise RuntimeError((self.site.parent / "error.log").read_text())


@contextmanager
def nginx_before(folder: Path, *backends: Path) -> Iterator[Nginx]:
    """An nginx on a free port of loopback that asks the sockets in turn, for a block; its files in `folder`."""
    port = free_port()
    (folder / "site.conf").write_text(_site(backends, port))
    (folder / "nginx.conf").write_text(_main(folder))
    command = [str(shutil.which("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait(process.pid, port, folder)
        yield Nginx(port, process, folder / "site.conf")
    finally:
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _site(backends: Sequence[Path], port: int) -> str:
    server = "    server unix:/run/churn-api/gunicorn.sock fail_timeout=0;\n"
    text = SITE.read_text()
    if server not in text:
        raise RuntimeError(f"{SITE} names its socket otherwise")
    text = text.replace(server, "".join(server.replace("/run/churn-api/gunicorn.sock", str(one)) for one in backends))
    return text.replace("listen 80", f"listen 127.0.0.1:{port}")


def _main(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root; " if os.getuid() == 0 else ""  # its workers must reach a socket in root's own folder
    return (
        f"{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder}/site.conf; }}\n"
    )


def _wait(pid: int, port: int, folder: Path) -> None:
    for _ in range(100):
        # It listens before it minds signals: a reload between the two would end it. It forks after both.
        if psutil.Process(pid).children():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
        time.sleep(0.05)
    raise RuntimeError((folder / "error.log").read_text())
