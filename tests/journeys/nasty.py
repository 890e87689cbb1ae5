"""What people, scripts and attackers send instead of what was asked for."""

import json
from collections.abc import Iterator
from typing import Any

# JSON's own grammar allows this number; no double holds it. json.dumps cannot write it, so a mark stands for it.
BEYOND_DOUBLE = "@@1e400@@"
HUGE = "x" * 900_000
NUL, SURROGATE = "a\0b", "a\ud800b"


def nested(levels: int) -> Any:
    """Return an object of so many levels."""
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


VALUES: dict[str, Any] = {
    "null": None,
    "integer": 7,
    "zero": 0,
    "negative": -1,
    "2**31": 2**31,
    "2**63": 2**63,
    "thirty digits": 10**30,
    "fraction": 0.5,
    "1e308": 1e308,
    "1e400": BEYOND_DOUBLE,
    "true": True,
    "text": "text",
    "number as text": "5",
    "empty": "",
    "blank": "   ",
    "NUL": NUL,
    "lone surrogate": SURROGATE,
    "bell and escape": "a\x07b\x1b[31m",
    "line feed": "a\r\nBcc: b@example.com",
    "line separator": "a\u2028b",
    "direction override": "a\u202eb",
    "SQL": "'; DROP TABLE tenancy_user; --",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "template": "{{ settings.SECRET_KEY }}${7*7}%(a)s{0}",
    "path": "../../../../etc/passwd",
    "other scripts": "👩‍👩‍👧 Größe 名前 שם",
    "300 characters": "x" * 300,
    "nobody's id": "0192f0c1-7e5a-7cc0-8a55-0123456789ab",
    "no day": "2026-02-30T00:00:00Z",
    "year 1": "0001-01-01T00:00:00Z",
    "year 9999": "9999-12-31T23:59:59-23:59",
    "loopback": "https://127.0.0.1/hook",
    "empty list": [],
    "list": [1],
    "list of lists": [[[]]],
    "many": list(range(1500)),
    "empty object": {},
    "object": {"a": 1},
    "fifty levels": nested(50),
}
# Nothing in the product can hold these, whatever the field.
NEVER_TAKEN = {"NUL", "lone surrogate", "1e400", "fifty levels"}
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,), "object": (dict,)
}  # fmt: skip

TEXTS = {
    name: value
    for name, value in {**VALUES, "number": "7", "minus": "-1", "words": "a,b,c", "percent": "%"}.items()
    if isinstance(value, str) and value not in {BEYOND_DOUBLE, SURROGATE}
}

BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "text": (b'"text"', "application/json"),
    "number": (b"5", "application/json"),
    "null": (b"null", "application/json"),
    "list": (b"[]", "application/json"),
    "list of an object": (b"[{}]", "application/json"),
    "open": (b'{"name": ', "application/json"),
    "invalid UTF-8": (b'{"name": "\xff\xfe"}', "application/json"),
    "UTF-16": ('{"name": "x"}'.encode("utf-16"), "application/json"),
    "NUL bytes": (b"\0\0\0", "application/json"),
    "not a number": (b'{"name": NaN}', "application/json"),
    "a hundred thousand levels": (b'{"a":' * 100_000, "application/json"),
    "too big": (b'{"name": "' + b"x" * 1_100_000 + b'"}', "application/json"),
    "a form": (b"name=x", "application/x-www-form-urlencoded"),
    "an upload": (b"--x\r\n\r\nx\r\n--x--", "multipart/form-data; boundary=x"),
    "XML": (b"<name/>", "application/xml"),
    "no content type": (b"{}", ""),
    "an odd content type": (b"{}", "x"),
}


def encode(body: Any) -> bytes:
    """Write JSON, with the number that no double holds where its mark stands."""
    return json.dumps(body).replace(f'"{BEYOND_DOUBLE}"', "1e400").encode()


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every field and item in a body, however deep."""
    if path:
        yield path
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def with_value(body: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of the body with the value at the path."""
    if not path:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = with_value(copy[path[0]], path[1:], value)  # type: ignore[index]
    return copy
