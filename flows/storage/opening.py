"""Open the store that a source reads: which kind, where, with whose credentials."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from django.conf import settings

from flows.ir.sources import StoreKind
from flows.storage.base import StorageError, Store
from flows.storage.http_pull import HttpStore, http_headers, joined_url
from flows.storage.keys import split_key
from flows.storage.local_fs import LocalStore
from flows.storage.places import bucket_place, local_folder, local_roots
from flows.storage.s3 import S3Store
from flows.storage.sftp import SftpStore
from kaireon.platform.addresses import AddressRefusedError
from kaireon.platform.http import OutboundError, tenant_session


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A store and the folder in it that the path means; close the store when done."""

    store: Store
    folder: str


Opener = Callable[[str, Mapping[str, Any], Mapping[str, Any]], OpenedStore]


def open_store(
    *, kind: StoreKind, path: str, config: Mapping[str, Any], secret: Mapping[str, Any], tenant: str = ""
) -> OpenedStore:
    """Open a store. Raises StorageError, also for kinds that nothing here can run.

    `tenant` is the slug for which it is opened: roots of this machine may have a folder for each.
    """
    if kind == "local_fs":
        return _open_local(path, tenant)
    opener = _OPENERS.get(kind)
    if opener is None:
        raise StorageError(refusal_of(kind))
    return opener(path, config, secret)


def refusal_of(kind: str) -> str:
    """Return why nothing runs a kind of source, or nothing where something does."""
    if kind == "local_fs" or kind in _OPENERS:
        return ""
    if kind == "ftp":
        return "connector ftp has no runtime executor (deprecated plaintext; use sftp)"
    if kind in STREAMING_KINDS:
        return f"connector {kind} has no runtime executor (streaming disabled; land the stream as files and read those)"
    return f"connector {kind} has no runtime executor"


def _open_local(path: str, tenant: str) -> OpenedStore:
    roots = local_roots(tenant)
    return OpenedStore(LocalStore(roots), local_folder(path, roots))


def _open_s3(path: str, config: Mapping[str, Any], secret: Mapping[str, Any]) -> OpenedStore:
    bucket, folder = bucket_place("s3", path, config)
    _check_endpoint(config)
    _check_credentials(config, secret.get("accessKeyId") and secret.get("secretAccessKey"))
    return OpenedStore(S3Store(bucket, config, secret), folder)


def _open_gcs(path: str, config: Mapping[str, Any], secret: Mapping[str, Any]) -> OpenedStore:
    bucket, folder = bucket_place("gcs", path, config)
    _check_endpoint(config)
    _check_credentials(config, secret.get("serviceAccountJson"))
    return OpenedStore(_loaded("flows.storage.gcs").GcsStore(bucket, config, secret), folder)


def _open_azure(path: str, config: Mapping[str, Any], secret: Mapping[str, Any]) -> OpenedStore:
    container, folder = bucket_place("azure_blob", path, config)
    _check_endpoint(config)
    module = _loaded("flows.storage.azure_blob")
    return OpenedStore(module.AzureStore(container, module.azure_connection(config, secret)), folder)


def _open_sftp(path: str, config: Mapping[str, Any], secret: Mapping[str, Any]) -> OpenedStore:
    split_key(path)
    return OpenedStore(SftpStore(config, secret), path)


def _open_http(path: str, config: Mapping[str, Any], secret: Mapping[str, Any]) -> OpenedStore:
    store = HttpStore(joined_url(path, config), http_headers(config, secret))
    return OpenedStore(store, store.folder)


def _loaded(name: str) -> ModuleType:
    """Return a store's module, loaded when the first store of its kind is opened: these two take seconds to load."""
    return import_module(name)


def _check_endpoint(config: Mapping[str, Any]) -> None:
    """Refuse an address that this server calls for no tenant, by its text and by what its name stands for now."""
    url = config.get("endpointUrl")
    if not url:
        return
    session = tenant_session()
    try:
        target = session.check(str(url))
        session.connect(target.host, target.port, seconds=_REACH_SECONDS).close()
    except AddressRefusedError as refusal:
        raise StorageError(f"The connector's endpointUrl: {refusal}") from None
    except OutboundError as error:
        raise StorageError(f"The connector's endpointUrl: {error.message}", is_transient=not error.is_refused) from None


def _check_credentials(config: Mapping[str, Any], secret: object) -> None:
    """Refuse a connector without credentials: a library would take this server's own instead."""
    if secret or config.get("authMethod") == "none" or getattr(settings, "FLOW_AMBIENT_CREDENTIALS", False):
        return
    raise StorageError("The connector has no credentials; give it authConfig, or authMethod none for what is public.")


STREAMING_KINDS: Final = ("kafka_consumer", "kinesis_consumer", "pulsar_consumer")
_REACH_SECONDS: Final = 5.0
_OPENERS: Final[dict[str, Opener]] = {
    "s3": _open_s3,
    "gcs": _open_gcs,
    "azure_blob": _open_azure,
    "sftp": _open_sftp,
    "http_pull": _open_http,
}
