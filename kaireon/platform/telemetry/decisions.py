"""Decide what may be written down: request ids that are sane, text and values without secrets or addresses.

Used twice: by the log formatter and by the audit log. Both are a second wall; whoever writes a line should not have
put a secret into it in the first place.
"""

import re
from collections.abc import Mapping
from typing import Final

MASK: Final = "••••••••"
REQUEST_ID_LENGTH: Final = 128
MAX_DEPTH: Final = 12

_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}")

# Compared with the key's letters and digits alone, so apiKey, api_key and X-API-Key are one.
_SECRET_FRAGMENTS: Final = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "authorization",
    "cookie",
    "credential",
    "pepper",
    "connectionstring",
    "databaseurl",
    "webhookurl",
)
_SECRET_WORDS: Final = frozenset({"pwd", "dsn", "url", "uri", "auth"})
# `tokenId`, `secretFields`, `apiKeyPrefix`, `passwordChangedAt` speak about a secret; they are none.
_HARMLESS_ENDINGS: Final = frozenset(
    {"id", "ids", "name", "names", "prefix", "count", "at", "kind", "type", "fields", "version"}
)
# Free-form header names hide credentials under any name.
_OPAQUE_CONTAINERS: Final = frozenset({"headers", "credentials", "secrets", "environ"})
_KEY_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_URL: Final = re.compile(r"\b([a-z][a-z0-9+.\-]{1,30})://(?:[^\s/?#@\"'<>]*@)?([^\s/?#\"'<>()@]*)([^\s\"'<>]*)", re.I)
# urllib3 and requests print the path apart from the host: "… with url: /services/T0/B0/xyz (Caused by …".
_BARE_PATH: Final = re.compile(r"\b((?:with )?url: )(/[^\s\"'<>]*)", re.I)
_SECRET_SHAPES: Final = re.compile(
    r"\bkrn_[A-Za-z0-9_\-]{6,}"
    r"|\bwhsec_[A-Za-z0-9+/=_\-]{6,}"
    r"|\bxox[a-z]-[A-Za-z0-9\-]{6,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=\-]{6,}"
    r"|(?<=Basic )[A-Za-z0-9+/=]{6,}",
    re.S,
)
_ASSIGNMENT: Final = re.compile(
    r"(?i)\b((?:password|passwd|pwd|secret|token|api[_-]?key|authorization)[\"']?\s*[=:]\s*[\"']?)([^\s\"',;&)}\]]+)"
)


def is_sane_request_id(text: str) -> bool:
    """Tell whether a caller's request id may be kept: short, one word, nothing that breaks a log line or a header."""
    return _SANE_REQUEST_ID.fullmatch(text) is not None


def is_secret_key(key: str) -> bool:
    """Tell whether a value under this key is a credential, judged by the key's name in any spelling."""
    words = [word.lower() for word in _KEY_WORDS.findall(key)]
    if not words or words[-1] in _HARMLESS_ENDINGS:
        return False
    compact = "".join(words)
    return any(fragment in compact for fragment in _SECRET_FRAGMENTS) or words[-1] in _SECRET_WORDS


def scrub_text(text: str) -> str:
    """Return `text` without credentials: addresses keep scheme and host, known secret shapes become a mask.

    A webhook's URL is its credential (contract §5), and libraries print URLs into their error texts.
    """
    text = _SECRET_SHAPES.sub(MASK, text)
    text = _URL.sub(_host_only, text)
    text = _BARE_PATH.sub(r"\1/…", text)
    return _ASSIGNMENT.sub(_masked_assignment, text)


def redact(value: object, *, key: str = "") -> object:
    """Return a copy of `value` in which every credential, at any depth, is the mask; other values keep their type.

    `key` is the name that the value itself stands under. Booleans and None stay ("is there a secret?" is a fact
    worth keeping); numbers under a `…tokens` key stay, because a budget of tokens is no token.
    """
    return _redact_entry(key, value, 0) if key else _redact_value(value, 0)


def _redact_value(value: object, depth: int) -> object:
    if isinstance(value, str):
        return scrub_text(value)
    if depth >= MAX_DEPTH and isinstance(value, Mapping | list | tuple | set | frozenset):
        return "…"
    if isinstance(value, Mapping):
        return {str(key): _redact_entry(str(key), item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(item, depth + 1) for item in value]
    return value


def _redact_entry(key: str, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if is_secret_key(key):
        return value if _is_budget(key, value) else _masked(value)
    if key.lower() in _OPAQUE_CONTAINERS and isinstance(value, Mapping):
        return {str(name): MASK for name in value}
    return _redact_value(value, depth + 1)


def _is_budget(key: str, value: object) -> bool:
    return isinstance(value, int | float) and "tokens" in key.lower()


def _masked(value: object) -> object:
    return value if value == "" else MASK


def _host_only(match: re.Match[str]) -> str:
    scheme, host, rest = match.groups()
    return f"{scheme}://{host}/…" if rest.strip("/.,;:!)") else f"{scheme}://{host}{rest}"


def _masked_assignment(match: re.Match[str]) -> str:
    value = match.group(2)
    return match.group(0) if value in {"Bearer", "Basic"} or value.startswith(MASK[0]) else f"{match.group(1)}{MASK}"
