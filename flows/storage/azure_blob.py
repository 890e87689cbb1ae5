"""Azure Blob Storage by adlfs, with the conditions of Azure's own client where a move must not overwrite."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Any, Final

from adlfs import AzureBlobFileSystem
from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from fsspec.asyn import sync

from flows.storage.base import FileGone, PlaceTaken, StorageError, StoredFile
from flows.storage.keys import shown
from flows.storage.objects import Looked, ObjectStore, Readable, origin_of

ORIGIN: Final = "kaireon_origin"
_PAGE: Final = 1_000
_COPY_SECONDS: Final = 3_600
_TAKEN: Final = {409, 412}


class AzureStore(ObjectStore):
    """One container."""

    def __init__(self, container: str, connection: str) -> None:
        self.name = f"azure://{container}"
        try:
            self._files = AzureBlobFileSystem(
                connection_string=connection, skip_instance_cache=True, use_listings_cache=False,
                connection_timeout=5, read_timeout=60,
            )  # fmt: skip
        except ValueError:
            raise StorageError("The Azure connector's account and credentials do not fit together.") from None
        self._container = self._files.service_client.get_container_client(container)

    def close(self) -> None:
        """Close the connections of both clients."""
        self._run(self._container.close(), self.name)
        self._run(self._files.service_client.close(), self.name)

    def _entries(self, prefix: str) -> Iterator[StoredFile]:
        pages = self._container.walk_blobs(prefix or None, delimiter="/", results_per_page=_PAGE).by_page()
        while (page := self._run(_next_page(pages), self.name)) is not None:
            for entry in page:
                if hasattr(entry, "size"):  # the others are folders
                    yield self._looked(entry).file

    def _look(self, key: str) -> Looked | None:
        try:
            return self._looked(self._run(self._container.get_blob_client(key).get_blob_properties(), key))
        except FileGone:
            return None

    def _copy(self, source: Looked, to: str) -> None:
        try:
            self._run(self._copy_whole(source, to), to)
        except FileGone:
            raise FileGone(f"{shown(source.file.key)} is not there.") from None

    async def _copy_whole(self, source: Looked, to: str) -> None:
        original = self._container.get_blob_client(source.file.key)
        copy = self._container.get_blob_client(to)
        kept = (await original.get_blob_properties()).metadata or {}
        await copy.start_copy_from_url(
            original.url, metadata={**kept, ORIGIN: origin_of(source)}, match_condition=MatchConditions.IfMissing,
            source_etag=_etag(source), source_match_condition=MatchConditions.IfNotModified,
        )  # fmt: skip
        async with asyncio.timeout(_COPY_SECONDS):
            while (found := await copy.get_blob_properties()).copy.status == "pending":
                await asyncio.sleep(1)
        if found.copy.status not in {None, "success"}:
            raise HttpResponseError(f"copy {found.copy.status}")

    def _remove(self, source: Looked) -> None:
        blob = self._container.get_blob_client(source.file.key)
        try:
            self._run(
                blob.delete_blob(etag=_etag(source), match_condition=MatchConditions.IfNotModified),
                source.file.key,
            )
        except (FileGone, PlaceTaken):
            return  # another upload took its place, and stays

    def _read(self, source: Looked) -> Readable:
        blob = self._container.get_blob_client(source.file.key)
        body = self._run(
            blob.download_blob(etag=_etag(source), match_condition=MatchConditions.IfNotModified),
            source.file.key,
        )
        return _Body(self, body, source.file.key)

    def run_read(self, coroutine: Coroutine[Any, Any, bytes], key: str) -> bytes:
        """Return what was read. Raises StorageError."""
        found: bytes = self._run(coroutine, key)
        return found

    def _run(self, coroutine: Coroutine[Any, Any, Any], what: str) -> Any:
        """Await in the file system's own loop. Raises FileGone, PlaceTaken and StorageError."""
        try:
            return sync(self._files.loop, _awaited, coroutine)
        except ResourceNotFoundError:
            raise FileGone(f"{shown(what)} is not there.") from None
        except (ResourceExistsError, ResourceModifiedError):
            raise PlaceTaken(f"{shown(what)} is taken, or changed meanwhile.") from None
        except HttpResponseError as error:
            raise _refused(what, error) from None
        except (AzureError, OSError, TimeoutError) as error:
            reason = "could not be reached" if isinstance(error, ServiceRequestError | OSError) else "failed"
            text = f"{shown(what)}: Azure Blob Storage {reason} ({type(error).__name__})."
            raise StorageError(text, is_transient=True) from None

    def _looked(self, found: Any) -> Looked:
        file = StoredFile(self.name, found.name, found.size, found.last_modified, found.etag.strip('"'))
        return Looked(file, origin=(found.metadata or {}).get(ORIGIN, ""))


class _Body:
    """A blob's bytes, as they come."""

    def __init__(self, store: AzureStore, body: Any, key: str) -> None:
        self._store = store
        self._body = body
        self._key = key

    def read(self, size: int) -> bytes:
        """Return at most so many bytes. Raises StorageError."""
        return self._store.run_read(self._body.read(size), self._key)


def azure_connection(config: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    """Return the one connection string of a connector; its address is the account's, or `endpointUrl`.

    Of a given string only the key or signature is taken: its addresses could lead anywhere. Raises StorageError.
    """
    account = str(config.get("storageAccount") or "")
    given = _parts(str(secret.get("connectionString") or ""))
    key = secret.get("accountKey") or given.get("AccountKey")
    signature = secret.get("sasToken") or given.get("SharedAccessSignature")
    if not account or any(character in f"{key}{signature}{account}" for character in ";\r\n"):
        raise StorageError("The Azure connector needs storageAccount, and a key or signature without `;`.")
    endpoint = str(config.get("endpointUrl") or f"https://{account}.blob.core.windows.net")
    parts = {"BlobEndpoint": endpoint}
    if config.get("authMethod") == "none":
        return _joined(parts)
    if key:
        return _joined({**parts, "AccountName": account, "AccountKey": str(key)})
    if signature:
        return _joined({**parts, "SharedAccessSignature": str(signature).removeprefix("?")})
    raise StorageError("The Azure connector has no credentials: give it accountKey, sasToken or connectionString.")


def _etag(source: Looked) -> str:
    """Return the version as a condition has it; a list names it without quotes, a look with them."""
    return f'"{source.file.version}"'


def _parts(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part)
    return {name.strip(): value for name, _, value in pairs}


def _joined(parts: Mapping[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _refused(what: str, error: HttpResponseError) -> StorageError:
    code = error.status_code or 0
    if code in _TAKEN:
        return PlaceTaken(f"{shown(what)} is taken, or changed meanwhile.")
    named = getattr(error, "error_code", None)
    reason = str(getattr(named, "value", named) or code)
    is_passing = code >= 500 or code in {0, 408, 429}
    return StorageError(f"{shown(what)}: Azure Blob Storage answered {reason}.", is_transient=is_passing)


async def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine


async def _next_page(pages: AsyncIterator[Any]) -> list[Any] | None:
    async for page in pages:
        return [entry async for entry in page]
    return None
