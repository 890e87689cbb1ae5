"""Amazon S3, and what speaks its language, by boto3.

s3fs is not used: it pins an aiobotocore, and with it a botocore, that is months behind the boto3 of the rest.
"""

import functools
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed

from flows.storage.base import FileGone, PlaceTaken, StorageError, StoredFile
from flows.storage.keys import shown
from flows.storage.objects import Looked, ObjectStore, Readable, origin_of

ORIGIN: Final = "kaireon-origin"
_MAKING: Final = threading.Lock()
_MISSING: Final = {"404", "NoSuchKey", "NotFound"}
_TAKEN: Final = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_PASSING: Final = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "503", "500"}
# Above this S3 copies in parts only.
_LARGEST_COPY: Final = 5 * 1024**3
_KEPT: Final = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")


class S3Store(ObjectStore):
    """One bucket."""

    def __init__(self, bucket: str, config: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        self.name = f"s3://{bucket}"
        self._bucket = bucket
        self._client = _client(config, secret)

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()

    def _entries(self, prefix: str) -> Iterator[StoredFile]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield self._stored(entry["Key"], entry["Size"], entry)
        except (ClientError, BotoCoreError) as error:
            raise _failed(self.name, error) from None

    def _look(self, key: str) -> Looked | None:
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise _failed(key, error) from None
        except BotoCoreError as error:
            raise _failed(key, error) from None
        return Looked(self._stored(key, head["ContentLength"], head), origin=head.get("Metadata", {}).get(ORIGIN, ""))

    def _copy(self, source: Looked, to: str) -> None:
        place = {"Bucket": self._bucket, "Key": source.file.key}
        try:
            head = self._client.head_object(**place, IfMatch=source.file.version)
            extra = {name: head[name] for name in _KEPT if head.get(name)}
            extra["Metadata"] = {**head.get("Metadata", {}), ORIGIN: origin_of(source)}
            extra["MetadataDirective"] = "REPLACE"
            if source.file.size > _LARGEST_COPY:
                self._client.copy(place, self._bucket, to, ExtraArgs=extra)
                return
            self._client.copy_object(
                Bucket=self._bucket, Key=to, CopySource=place, CopySourceIfMatch=source.file.version, IfNoneMatch="*",
                **extra,
            )  # fmt: skip
        except ClientError as error:
            raise self._not_copied(source, to, error) from None
        except BotoCoreError as error:
            raise _failed(source.file.key, error) from None

    def _not_copied(self, source: Looked, to: str, error: ClientError) -> StorageError:
        if _code(error) in _MISSING:
            return FileGone(f"{shown(source.file.key)} is not there.")
        if _code(error) not in _TAKEN:
            return _failed(source.file.key, error)
        if self._look(to) is not None:
            return PlaceTaken(f"{shown(to)} is taken.")
        return StorageError(f"{shown(source.file.key)} changed while it was moved.", is_transient=True)

    def _remove(self, source: Looked) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=source.file.key, IfMatch=source.file.version)
        except ClientError as error:
            # Another upload took its place, and stays.
            if _code(error) not in _MISSING | _TAKEN:
                raise _failed(source.file.key, error) from None
        except BotoCoreError as error:
            raise _failed(source.file.key, error) from None

    def _read(self, source: Looked) -> Readable:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=source.file.key, IfMatch=source.file.version)
        except (ClientError, BotoCoreError) as error:
            raise _failed(source.file.key, error) from None
        return _Body(found["Body"], source.file.key)

    def _stored(self, key: str, size: int, found: Mapping[str, Any]) -> StoredFile:
        # Some list it with a fraction of a second that a look at the object does not show: one version, one identity.
        when = found["LastModified"].replace(microsecond=0)
        return StoredFile(self.name, key, size, when, found["ETag"])


class _Body:
    """The body of an answer, its failures in our words."""

    def __init__(self, body: Any, key: str) -> None:
        self._body = body
        self._key = key

    def read(self, size: int) -> bytes:
        """Return at most so many bytes. Raises StorageError."""
        try:
            found: bytes = self._body.read(size)
        except (BotoCoreError, OSError) as error:
            raise _failed(self._key, error) from None
        return found


def _client(config: Mapping[str, Any], secret: Mapping[str, Any]) -> Any:
    is_open = config.get("authMethod") == "none"
    style = {"addressing_style": "path" if config.get("pathStyle") else "auto"}
    settings = Config(
        connect_timeout=5, read_timeout=60, retries={"max_attempts": 4, "mode": "standard"}, s3=style,
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
        **({"signature_version": UNSIGNED} if is_open else {}),
    )  # fmt: skip
    keys = {
        "aws_access_key_id": secret.get("accessKeyId"),
        "aws_secret_access_key": secret.get("secretAccessKey"),
        "aws_session_token": secret.get("sessionToken"),
    }
    region = config.get("region") or "us-east-1"
    try:
        with _MAKING:
            return _session().client(
                "s3", region_name=region, endpoint_url=config.get("endpointUrl"), config=settings, **keys
            )
    except (BotoCoreError, ValueError):
        raise StorageError("The S3 connector's region or endpointUrl cannot be used.") from None


@functools.cache
def _session() -> boto3.session.Session:
    """Return the one session: it has read what S3 is once; making clients of it is for one thread at a time."""
    return boto3.session.Session()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _failed(what: str, error: Exception) -> StorageError:
    """Say what went wrong without the library's text, which may quote addresses and keys."""
    if isinstance(error, ClientError):
        code = _code(error)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return StorageError(f"{shown(what)}: S3 answered {code}.", is_transient=code in _PASSING or status >= 500)
    is_away = isinstance(error, ConnectionFailed | HTTPClientError | OSError)
    return StorageError(f"{shown(what)}: S3 could not be reached ({type(error).__name__}).", is_transient=is_away)
