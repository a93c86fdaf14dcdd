"""Both clients, called in one way; and a proxy that does to a connection what networks do."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from churn_client import AsyncClient, Client

KINDS = ("sync", "async")


class Blocking:
    """An AsyncClient, or a resource of one, whose methods are called as those of Client are."""

    def __init__(self, of: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._of, self._loop = of, loop

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._of, name)
        if not callable(member):
            return Blocking(member, self._loop)
        return lambda *arguments, **options: self._result(member(*arguments, **options))

    def _result(self, awaitable: Any) -> Any:
        if hasattr(awaitable, "__aiter__"):
            return self._items(awaitable)
        return self._loop.run_until_complete(awaitable)

    def _items(self, items: Any) -> Iterator[Any]:
        with contextlib.suppress(StopAsyncIteration):
            while True:
                yield self._loop.run_until_complete(anext(items))


@contextmanager
def client_of(kind: str, url: str, key: str | None = None, **options: Any) -> Iterator[Any]:
    """A client of a kind, with which a test need not know which it has."""
    if kind == "sync":
        with Client(url, key, **options) as client:
            yield client
        return
    client = AsyncClient(url, key, **options)
    loop = asyncio.new_event_loop()
    try:
        yield Blocking(client, loop)
    finally:
        loop.run_until_complete(client.close())
        loop.close()


class RudeProxy:
    """A TCP proxy that asks, for each connection, whether it is to be dropped; `count` is the number of connections.

    It drops one before the server sees the request, or, with `loses_response`, when the server has answered it.
    """

    def __init__(self, port: int, drops: Callable[[int], bool], *, loses_response: bool = False) -> None:
        self._upstream, self._drops, self._loses_response = ("127.0.0.1", port), drops, loses_response
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "RudeProxy":
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.count += 1
                drop = self._drops(self.count)
                threading.Thread(target=self._serve, args=(connection, drop), daemon=True).start()

    def _serve(self, connection: socket.socket, drop: bool) -> None:
        """Read a whole request, and drop the connection or pass the request and its answer on."""
        with connection, contextlib.suppress(OSError):
            request = _read_request(connection)
            if drop and not self._loses_response:
                return
            with socket.create_connection(self._upstream) as server:
                server.sendall(request)
                while data := server.recv(65536):
                    if not drop:
                        connection.sendall(data)


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
