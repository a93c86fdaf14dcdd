"""Texts, headers and bodies that no honest client sends, and some that an honest one sends by mistake."""

from collections.abc import Iterator

CANARY = b"Kumquat7"
"""Marks a text, so that answers and logs that quote it can be recognized."""

_NOT_UTF8 = (b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82")
"""A byte that never is, sequences cut off, one too long, halves of surrogate pairs, one beyond the last character."""
_ODD = (
    *_NOT_UTF8,
    b"\x00",
    "Ā".encode(),  # its second byte is a control character of latin-1
    "٣".encode(),
    "💥".encode(),
    "e\u0301\u0323".encode() * 40,
    "\u202e\u2066\u200b\ufeff".encode(),
    "\ufffe\uffff\U0010ffff".encode(),
    b"\x1b[2J\x07\x7f",
    b"\r\nSet-Cookie: a=b",
    b"\n127.0.0.1 - forged",
    b"/../../etc/passwd",
    b"\\..\\win.ini",
    b"%00%2e%2e%2f%c4%80",
    b"%",
    b"%s%n{0}{0.__class__}${7*7}{{7*7}}",
    b"'; DROP TABLE jobs; --",
    b'"><img src=x onerror=alert(1)>',
    b"=cmd|' /C calc'!A0",
    b"a,b;c|d&e=f#g?h",
)
_NUMBERS = (
    "",
    "0",
    "-0",
    "-1",
    "٣",
    "०.५",
    "1_0",
    "0x1",
    "1e400",
    "1e-400",
    "nan",
    "-inf",
    "1" * 400,
    "0,5",
    " 1 ",
    "½",
)
_WORDS = ("null", "None", "true", "undefined", "[]", "{}", "__proto__", "..", ".", "~", "*", "-", "default", "NaN")
TEXTS = (
    *(CANARY + odd for odd in _ODD),
    *(odd + CANARY for odd in _ODD[:9]),
    *(text.encode() for text in (*_NUMBERS, *_WORDS)),
    CANARY * 1000,
)
"""The longest is as long as a request line and a header may be."""

_HEADERS = {
    "X-API-Key": (b"",),
    "Authorization": (b"", b"Bearer ", b"Bearer churn_", b"Basic "),
    "X-Request-ID": (b"",),
    "Accept": (b"", b"text/csv;q=", b"application/"),
    "Content-Type": (b"", b"application/json; charset=", b"multipart/form-data; boundary="),
    "Content-Encoding": (b"",),
    "Idempotency-Key": (b"",),
    "Host": (b"", b"[", b"localhost:"),
    "Origin": (b"", b"https://"),
    "Access-Control-Request-Method": (b"",),
    "Access-Control-Request-Headers": (b"",),
    "Range": (b"", b"bytes="),
    "If-Range": (b"",),
    "If-None-Match": (b"", b"W/"),
    "If-Modified-Since": (b"",),
    "X-Forwarded-For": (b"", b"127.0.0.1, "),
    "X-Forwarded-Proto": (b"",),
    "X-Forwarded-Host": (b"",),
    "X-Forwarded-Prefix": (b"", b"/"),
    "Traceparent": (b"", b"00-"),
    "Cookie": (b"", b"session="),
    "User-Agent": (b"",),
    "Upgrade": (b"",),
    "X-HTTP-Method-Override": (b"",),
}
"""By name, what may stand before a text."""

JSON = b"application/json"
MEDIA_TYPES = (
    JSON,
    b"text/csv",
    b"text/csv; charset=" + CANARY,
    b"application/x-ndjson",
    b"application/vnd.apache.parquet",
    b"application/vnd.apache.arrow.stream",
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"multipart/form-data; boundary=edge",
    b"multipart/form-data",
    b"application/x-www-form-urlencoded",
)
_MEMBERS = (
    b"customer_id",
    b"age",
    b"contract",
    b"customers",
    b"version",
    b"path",
    b"scopes",
    b"source",
    b"model",
    b"keep",
    b"threshold",
)
_JOB = b'{"format": "csv", "source": "data.csv", "on_error": "skip", '
"""A body to which a member is to be added; of two of a name the last counts."""
_ESCAPES = (b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"\\x00", b"\\u00")


def headers() -> Iterator[tuple[str, bytes]]:
    """Every text in every header, but for those that would end it: a server sees to them."""
    for name, prefixes in _HEADERS.items():
        for prefix in prefixes:
            for text in TEXTS:
                if not set(b"\r\n\0") & set(text):
                    yield name, prefix + text


def bodies(media_type: bytes) -> Iterator[bytes]:
    """Bodies that are nearly of a media type."""
    yield b""
    if media_type.startswith(b"multipart"):
        yield b"--edge\r\n" * 1500 + b"--edge--"
        yield from map(_form, TEXTS)
    elif media_type == JSON:
        yield from _json()
    elif media_type.startswith(b"application/vnd"):
        for magic in (b"PAR1", b"ARROW1", b"PK\x03\x04", b"\xff\xff\xff\xff"):
            yield from (magic + text + magic for text in TEXTS)
    else:
        for text in TEXTS:
            yield b"customer_id,age\n" + text + b",1\n"
            yield text + b",age\n1,1\n"
            yield b'{"' + text + b'": 1}\n'


def _json() -> Iterator[bytes]:
    for text in (*TEXTS, *(CANARY + escape for escape in _ESCAPES)):
        yield text
        yield b'{"' + text + b'": 1}'
        yield b'["' + text + b'"]'
        for member in _MEMBERS:
            named = b'"' + member + b'": '
            yield b"{" + named + b'"' + text + b'"}'
            yield b"{" + named + b'["' + text + b'"]}'
            yield b"{" + named + b'[{"' + text + b'": "' + text + b'"}]}'
            yield _JOB + named + b'"' + text + b'"}'
            yield _JOB + named + b'["' + text + b'"]}'
    yield _JOB + b'"keep": []}'
    yield b"\xef\xbb\xbf{}"
    yield b"[{}]"
    yield b"[" * 5000
    yield b'{"a":' * 2000 + b"1" + b"}" * 2000
    yield from ('{"age": 1}'.encode(encoding) for encoding in ("utf-16", "utf-32", "utf-7"))


def _form(text: bytes) -> bytes:
    """A form with a text in every place that one has."""
    disposition = b'Content-Disposition: form-data; name="'
    parts = [
        disposition + b'file"; filename="' + text + b'.csv"\r\nContent-Type: ' + text + b"\r\n\r\n" + text,
        disposition + b'bundle"; filename="' + text + b'"\r\n\r\n' + text,
        disposition + text + b'"\r\n\r\n' + text,
        *(disposition + name + b'"\r\n\r\n' + text for name in _MEMBERS),
    ]
    return b"--edge\r\n" + b"\r\n--edge\r\n".join(parts) + b"\r\n--edge--\r\n"
