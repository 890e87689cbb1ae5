"""A file behind a web address. It is read where it is: nothing can be moved there."""

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit
from uuid import uuid4

from flows.storage.base import FileGone, StorageError, StoredFile
from flows.storage.keys import shown, split_key
from kaireon.platform.addresses import AddressRefusedError
from kaireon.platform.http import Answer, OutboundError, OutboundSession, tenant_session

_DOWNLOAD_SECONDS: Final = 1_800.0
_GONE: Final = {404, 410}
_PASSING: Final = {408, 425, 429, 500, 502, 503, 504}


class HttpStore:
    """One address, under the rules for addresses that a tenant typed: HTTPS, public, no redirects."""

    can_move = False

    def __init__(self, url: str, headers: Mapping[str, str], session: OutboundSession | None = None) -> None:
        self._url = url
        self._headers = dict(headers)
        self._session = session or tenant_session()
        try:
            target = self._session.check(url)
        except AddressRefusedError as refusal:
            raise StorageError(f"The path of an http_pull source: {refusal}") from None
        self.name = f"{target.scheme}://{target.place}"
        self._key = unquote(urlsplit(url).path)
        if not split_key(self._key) or self._key.endswith("/"):
            raise StorageError(
                "The path of an http_pull source must be the address of a file, with its name at the end."
            )

    @property
    def folder(self) -> str:
        """Return what stands before the file's name."""
        return self._key.rpartition("/")[0]

    def list_folder(self, folder: str, *, limit: int) -> Iterator[StoredFile]:
        """Yield the one file, if it is there and in that folder."""
        found = self.stat(self._key) if split_key(folder) == split_key(self.folder) and limit > 0 else None
        if found is not None:
            yield found

    def stat(self, key: str) -> StoredFile | None:
        """Return what a HEAD request says of the file, None for 404; its size is 0 when the server does not tell."""
        if split_key(key) != split_key(self._key):
            return None
        try:
            answer = self._session.request("HEAD", self._url, headers=self._headers)
        except (OutboundError, ValueError) as error:
            raise _failed(error) from None
        if answer.status in _GONE:
            return None
        if answer.status in {405, 501}:  # a server that knows no HEAD
            return StoredFile(self.name, self._key, 0, None, "")
        if answer.status != 200:
            raise self._refused(answer)
        headers = answer.headers
        size = headers.get("content-length", "")
        return StoredFile(
            self.name,
            self._key,
            int(size) if size.isascii() and size.isdigit() and len(size) < 19 else 0,
            _when(headers.get("last-modified", "")),
            headers.get("etag", "")[:200],
        )

    def move(self, key: str, to: str) -> None:
        """Refuse: what lies behind an address stays there."""
        raise StorageError(f"{shown(key)} cannot be moved: it lies behind a web address.")

    def fetch(self, key: str, into: Path, *, most_bytes: int) -> Path:
        """Download the file. Raises FileGone and StorageError."""
        if split_key(key) != split_key(self._key):
            raise FileGone(f"{shown(key)} is not there.")
        path = into / uuid4().hex
        try:
            answer = self._session.download(
                self._url, path, headers=self._headers, seconds=_DOWNLOAD_SECONDS, max_bytes=most_bytes
            )
        except (OutboundError, ValueError) as error:
            raise _failed(error) from None
        if answer.status in _GONE:
            raise FileGone(f"{shown(key)} is not there (HTTP {answer.status}).")
        if answer.status != 200:
            raise self._refused(answer)
        return path

    def close(self) -> None:
        """Nothing is kept open."""

    def _refused(self, answer: Answer) -> StorageError:
        advice = " Redirects are not followed: give the address that it leads to." if 300 <= answer.status < 400 else ""
        return StorageError(
            f"{self.name} answered {answer.status} for {shown(self._key)}.{advice}",
            is_transient=answer.status in _PASSING,
        )


def http_headers(config: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a connector, those with its secret last."""
    headers = {str(name): str(value) for name, value in (config.get("headers") or {}).items()}
    if secret.get("token"):
        headers["Authorization"] = f"Bearer {secret['token']}"
    elif secret.get("username") is not None:
        pair = f"{secret['username']}:{secret.get('password') or ''}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if secret.get("headerName") and secret.get("headerValue"):
        headers[str(secret["headerName"])] = str(secret["headerValue"])
    return headers


def joined_url(path: str, config: Mapping[str, Any]) -> str:
    """Return the address that a source's path means. Raise StorageError when it leaves its connector's server."""
    base = str(config.get("url") or "")
    if not base:
        return path
    url = urljoin(base if base.endswith("/") else f"{base}/", path)
    one, other = urlsplit(base), urlsplit(url)
    if (one.scheme, one.netloc) != (other.scheme, other.netloc):
        raise StorageError("The path leads to another server than the connector's, which would get its credentials.")
    return url


def _when(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _failed(error: OutboundError | ValueError) -> StorageError:
    if isinstance(error, OutboundError):
        return StorageError(error.message, is_transient=not error.is_refused)
    return StorageError("A header of the connector cannot be sent: it holds a line break or what no header holds.")
