"""Google Cloud Storage by gcsfs. Every write names the generation that it expects, so that nothing is overwritten."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import aiohttp
import gcsfs
from gcsfs.retry import HttpError
from google.auth.exceptions import GoogleAuthError

from flows.storage.base import FileGone, PlaceTaken, StorageError, StoredFile
from flows.storage.keys import shown
from flows.storage.objects import Looked, ObjectStore, Readable

# A key file names the address that signs it in; a tenant's own choice of that would be a request to anywhere.
_FIXED: Final = {
    "type": "service_account",
    "token_uri": "https://oauth2.googleapis.com/token",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "universe_domain": "googleapis.com",
}
_TAKEN: Final = 412
_AWAY: Final = (aiohttp.ClientError, GoogleAuthError, OSError, TimeoutError)
_REWRITE: Final = "b/{}/o/{}/rewriteTo/b/{}/o/{}"
_OBJECT: Final = "b/{}/o/{}"


class GcsStore(ObjectStore):
    """One bucket."""

    def __init__(self, bucket: str, config: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        self.name = f"gs://{bucket}"
        self._bucket = bucket
        self._files = gcsfs.GCSFileSystem(
            project=config.get("project"), token=gcs_token(config, secret), endpoint_url=config.get("endpointUrl"),
            skip_instance_cache=True, use_listings_cache=False, timeout=60,
        )  # fmt: skip

    def close(self) -> None:
        """Close the session, if one was opened."""
        session = getattr(self._files, "_session", None)
        if session is not None:
            self._files.close_session(self._files.loop, session)

    def _entries(self, prefix: str) -> Iterator[StoredFile]:
        token: str | None = None
        while True:
            page = self._call(
                "GET", "b/{}/o", self._bucket, what=self.name, prefix=prefix or None, delimiter="/", maxResults=1_000,
                pageToken=token, json_out=True,
            )  # fmt: skip
            for entry in page.get("items", ()):
                yield self._looked(entry).file
            token = page.get("nextPageToken")
            if not token:
                return

    def _look(self, key: str) -> Looked | None:
        try:
            return self._looked(self._call("GET", _OBJECT, self._bucket, key, what=key, json_out=True))
        except FileGone:
            return None

    def _copy(self, source: Looked, to: str) -> None:
        key, generation = source.file.key, source.file.version
        more: dict[str, Any] = {}
        while True:
            answer = self._call(
                "POST", _REWRITE, self._bucket, key, self._bucket, to, what=to, json_out=True, json={},
                ifGenerationMatch="0", sourceGeneration=generation, ifSourceGenerationMatch=generation, **more,
            )  # fmt: skip
            if answer.get("done", True):
                return
            more = {"rewriteToken": answer["rewriteToken"]}

    def _remove(self, source: Looked) -> None:
        try:
            self._call(
                "DELETE", _OBJECT, self._bucket, source.file.key, what=source.file.key,
                ifGenerationMatch=source.file.version,
            )  # fmt: skip
        except (FileGone, PlaceTaken):
            return  # another upload took its place, and stays

    def _read(self, source: Looked) -> Readable:
        return _Parts(self, source)

    def read_part(self, source: Looked, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`. Raises StorageError."""
        headers = {"Range": f"bytes={start}-{end - 1}"}
        found: bytes = self._call(
            "GET", _OBJECT, self._bucket, source.file.key, what=source.file.key, headers=headers, alt="media",
            ifGenerationMatch=source.file.version, returns_bytes=True,
        )  # fmt: skip
        return found

    def _call(self, method: str, path: str, *args: str, what: str, returns_bytes: bool = False, **kwargs: Any) -> Any:
        """Make a request. Raises FileGone for 404, PlaceTaken for a generation that is another, and StorageError."""
        given = {name: value for name, value in kwargs.items() if value is not None}
        try:
            answer = self._files.call(method, path, *args, **given)
        except FileNotFoundError:
            raise FileGone(f"{shown(what)} is not there.") from None
        except HttpError as error:
            raise _refused(what, int(error.code or 0)) from None
        except _AWAY as error:
            reason = f"Google Cloud Storage could not be reached ({type(error).__name__})"
            raise StorageError(f"{shown(what)}: {reason}.", is_transient=True) from None
        except (ValueError, RuntimeError) as error:
            raise StorageError(f"{shown(what)}: Google Cloud Storage refused ({type(error).__name__}).") from None
        return answer[1] if returns_bytes and isinstance(answer, tuple) else answer

    def _looked(self, entry: Mapping[str, Any]) -> Looked:
        when = entry.get("updated")
        file = StoredFile(
            self.name,
            str(entry["name"]),
            int(entry.get("size", 0)),
            datetime.fromisoformat(when) if when else None,
            str(entry.get("generation", "")),
        )
        return Looked(file, content=str(entry.get("crc32c") or entry.get("md5Hash") or ""))


class _Parts:
    """An object's bytes, a part a request."""

    def __init__(self, store: GcsStore, source: Looked) -> None:
        self._store = store
        self._source = source
        self._place = 0

    def read(self, size: int) -> bytes:
        """Return at most so many bytes. Raises StorageError."""
        end = min(self._place + size, self._source.file.size)
        if end <= self._place:
            return b""
        found = self._store.read_part(self._source, self._place, end)
        self._place += len(found)
        return found


def gcs_token(config: Mapping[str, Any], secret: Mapping[str, Any]) -> Any:
    """Return how gcsfs signs in: a service account's key whose addresses are Google's own. Raises StorageError."""
    if config.get("authMethod") == "none":
        return "anon"
    text = secret.get("serviceAccountJson")
    if not text:
        return "google_default"
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, dict) or key.get("type") != "service_account":
        raise StorageError("serviceAccountJson must be the key file of a service account, as Google gives it.")
    allowed = {"project_id", "private_key_id", "private_key", "client_email", "client_id"}
    return {**{name: value for name, value in key.items() if name in allowed}, **_FIXED}


def _refused(what: str, code: int) -> StorageError:
    if code == _TAKEN:
        return PlaceTaken(f"{shown(what)} is taken, or changed meanwhile.")
    return StorageError(
        f"{shown(what)}: Google Cloud Storage answered {code}.", is_transient=code >= 500 or code == 429
    )
