"""From an attempt to what httpx sends, and the file that a response is saved to."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from churn_client.steps import Attempt, Call


@contextmanager
def request_of(attempt: Attempt, http: httpx.Client | httpx.AsyncClient) -> Iterator[httpx.Request]:
    """The request of an attempt; the file that it uploads is open until it has been sent."""
    call = attempt.call
    with ExitStack() as stack:
        yield http.build_request(
            call.method,
            call.path,
            params=dict(call.params),
            headers={**call.headers, "X-Request-ID": attempt.request_id},
            content=call.content,
            data=call.form,
            files=_files(call, stack),
        )


def _files(call: Call, stack: ExitStack) -> dict[str, Any] | None:
    if call.upload is None:
        return None
    name, data = call.upload
    return {"file": (name, stack.enter_context(data.open("rb")) if isinstance(data, Path) else data)}


@contextmanager
def saved_file(path: Path) -> Iterator[Callable[[bytes], object]]:
    """A function that writes to a file, which gets its name, and replaces another of that name, once it is complete."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        written = Path(file.name)
        try:
            yield file.write
            file.flush()
            written.replace(path)
        except BaseException:
            written.unlink()
            raise
