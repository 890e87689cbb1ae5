"""Where a source's path leads, by its text alone: which store, which folder in it. Nothing is opened, nobody is asked.

A store has here the name that it gives itself once it is open, and a folder is spelled as in the keys of its files:
two sources that read one folder say so in the same words.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings

from flows.storage.base import StorageError
from flows.storage.http_pull import joined_url
from flows.storage.keys import shown, split_key
from flows.storage.local_fs import NAME
from kaireon.platform.addresses import AddressRefusedError
from kaireon.platform.http import tenant_session

# What stands for the tenant's slug in FLOW_LOCAL_FS_ROOTS.
TENANT: Final = "{tenant}"


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """How paths of a kind of object store are read: their schemes, what holds the objects, and its name's form."""

    schemes: tuple[str, ...]
    setting: str
    name: str


OBJECT_PLACES: Final = {
    "s3": ObjectPlace(("s3", "s3a"), "bucket", "s3://{}"),
    "gcs": ObjectPlace(("gs", "gcs"), "bucket", "gs://{}"),
    "azure_blob": ObjectPlace(("az", "azure", "abfs"), "container", "azure://{}"),
}


@dataclass(frozen=True, slots=True)
class StorePlace:
    """A store by its name (`local_fs`, `s3://bucket`, `sftp://host:22`) and a folder in it, `/` only at its start.

    Of a web address the name has a mark of the whole address behind it.
    """

    store: str
    folder: str


def find_place(*, kind: str, path: str, config: Mapping[str, Any], tenant: str = "") -> StorePlace:
    """Return where a path leads. Raises StorageError for what no store could be opened for.

    Folders of this machine are absolute; on an SFTP server as they were typed; of an object store without `/` at
    either end; of a web address what stands before the file's name.
    """
    if kind == "local_fs":
        return StorePlace(NAME, folder_of_keys(local_folder(path, local_roots(tenant))))
    if kind in OBJECT_PLACES:
        bucket, folder = bucket_place(kind, path, config)
        return StorePlace(OBJECT_PLACES[kind].name.format(bucket), folder)
    if kind == "sftp":
        host, port = str(config.get("host") or ""), int(config.get("port") or 22)
        return StorePlace(f"sftp://{host}:{port}", folder_of_keys(path))
    if kind == "http_pull":
        return _web_place(joined_url(path, config))
    raise StorageError(f"connector {kind} has no runtime executor")


def folder_of_keys(folder: str) -> str:
    """Return a folder as it stands before its files' names, its top as `/` or nothing. Raises StorageError."""
    return ("/" if folder.startswith("/") else "") + "/".join(split_key(folder))


def folder_of(key: str) -> str:
    """Return the folder of a key that a store lists."""
    folder, mark, _ = key.rpartition("/")
    return folder or mark


def local_roots(tenant: str) -> list[str]:
    """Return the folders of this machine that a tenant may read; roots with `{tenant}` are each tenant's own."""
    named = [str(root) for root in getattr(settings, "FLOW_LOCAL_FS_ROOTS", ())]
    # Without a tenant, a root of each tenant's own is nobody's.
    roots = [root.replace(TENANT, tenant) for root in named if tenant or TENANT not in root]
    if not roots:
        raise StorageError("No folder of this machine may be read: FLOW_LOCAL_FS_ROOTS is not set.")
    return roots


def local_folder(path: str, roots: Sequence[str]) -> str:
    """Return the folder that a path means: one that is not absolute lies below the first root."""
    parts = split_key(path)
    return "/" + "/".join(parts) if path.startswith("/") else "/".join([roots[0].rstrip("/"), *parts])


def bucket_place(kind: str, path: str, config: Mapping[str, Any]) -> tuple[str, str]:
    """Return the bucket and the folder of a path, which may name the bucket as `s3://bucket/folder/`.

    It must be the connector's own bucket: a connector's credentials may open more than was meant.
    """
    place = OBJECT_PLACES[kind]
    own = config.get(place.setting)
    scheme, mark, rest = path.partition("://")
    if not mark:
        bucket, folder = str(own or ""), path
    elif scheme not in place.schemes:
        first = place.schemes[0]
        raise StorageError(f"The path must begin with {first}://, or name a folder of the connector's {place.setting}.")
    else:
        bucket, _, folder = rest.partition("/")
    if not bucket:
        raise StorageError(f"Neither the path nor the connector names a {place.setting}.")
    if own and bucket != own:
        raise StorageError(f"The path names the {place.setting} {shown(bucket)}, the connector {shown(str(own))}.")
    return bucket, "/".join(split_key(folder))


def _web_place(url: str) -> StorePlace:
    try:
        target = tenant_session().check(url)
    except AddressRefusedError as refusal:
        raise StorageError(f"The path of an http_pull source: {refusal}") from None
    # A list of such a place is its one file: two addresses are two places, and what an address asks may be secret.
    mark = hashlib.sha256(url.encode()).hexdigest()[:12]
    return StorePlace(f"{target.scheme}://{target.place}#{mark}", folder_of(unquote(urlsplit(url).path)))
