"""A TCP proxy that can fall silent: it takes connections and bytes, and answers nothing, as a hung server does."""

import contextlib
import socket
import threading
from types import TracebackType


class SilentProxy:
    """Stands before a server. The kernel goes on acknowledging while it is silent, so TCP notices nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._silent = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "SilentProxy":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def fall_silent(self) -> None:
        """Pass nothing on any more, of old connections or of new ones."""
        self._silent.set()

    def speak(self) -> None:
        """Serve new connections again; old ones stay silent."""
        self._silent.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                if self._silent.is_set():
                    continue
                server = socket.create_connection(self._upstream)
                self._open.append(server)
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self._silent.is_set():
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
