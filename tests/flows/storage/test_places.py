"""Where a path leads is known without opening anything, in the words of the store itself."""

from collections.abc import Mapping
from typing import Any

import pytest
from pytest_django import Settings

from flows.storage.base import StorageError
from flows.storage.places import find_place, folder_of, folder_of_keys
from tests.flows.storage.world import Box

BUCKET = {"bucket": "sales"}
SERVER = {"host": "files.example", "port": 2222}


@pytest.fixture
def roots(settings: Settings) -> None:
    """Let tenants read a root of their own and a common one."""
    settings.FLOW_LOCAL_FS_ROOTS = ["/data/{tenant}", "/srv/common"]
    settings.NOTIFICATIONS_ALLOWED_HOSTS = []


@pytest.mark.usefixtures("roots")
@pytest.mark.parametrize(
    ("kind", "path", "config", "store", "folder"),
    [
        ("local_fs", "inbox/", {}, "local_fs", "/data/acme/inbox"),
        ("local_fs", "/srv/common//in/", {}, "local_fs", "/srv/common/in"),
        ("s3", "inbox/", BUCKET, "s3://sales", "inbox"),
        ("s3", "s3://sales/a/b/", BUCKET, "s3://sales", "a/b"),
        ("s3", "s3a://other", {}, "s3://other", ""),
        ("gcs", "gs://sales/in", {}, "gs://sales", "in"),
        ("azure_blob", "az://box/in/", {"container": "box"}, "azure://box", "in"),
        ("sftp", "/in/", SERVER, "sftp://files.example:2222", "/in"),
        ("sftp", "in", {"host": "files.example"}, "sftp://files.example:22", "in"),
        ("sftp", "/", SERVER, "sftp://files.example:2222", "/"),
    ],
)
def test_a_place_is_spelled_as_keys_are_listed(
    kind: str, path: str, config: Mapping[str, Any], store: str, folder: str
) -> None:
    place = find_place(kind=kind, path=path, config=config, tenant="acme")

    assert (place.store, place.folder) == (store, folder)


@pytest.mark.usefixtures("roots")
@pytest.mark.parametrize(
    ("kind", "path", "config", "words"),
    [
        ("s3", "inbox/", {}, "names a bucket"),
        ("s3", "gs://sales/in", {}, "must begin with s3://"),
        ("s3", "s3://other/in", BUCKET, "the connector sales"),
        ("local_fs", "../in", {}, "are not followed"),
        ("http_pull", "http://10.0.0.1/a.csv", {}, "https"),
        ("ftp", "in", {}, "no runtime executor"),
    ],
)
def test_what_no_store_opens_for_has_no_place(kind: str, path: str, config: Mapping[str, Any], words: str) -> None:
    with pytest.raises(StorageError, match=words):
        find_place(kind=kind, path=path, config=config, tenant="acme")


def test_without_roots_no_folder_of_this_machine_is_a_place(settings: Settings) -> None:
    settings.FLOW_LOCAL_FS_ROOTS = []

    with pytest.raises(StorageError, match="FLOW_LOCAL_FS_ROOTS"):
        find_place(kind="local_fs", path="in", config={}, tenant="acme")


@pytest.mark.usefixtures("roots")
def test_each_web_address_is_a_place_of_its_own_that_tells_no_secret() -> None:
    config = {"url": "https://files.example/base/"}
    paths = ["day/a.csv?token=1", "day/a.csv?token=2", "day/b.csv"]

    places = [find_place(kind="http_pull", path=path, config=config) for path in paths]

    assert {place.folder for place in places} == {"/base/day"}
    assert len({place.store for place in places}) == 3
    assert all(place.store.startswith("https://files.example:443#") and "token" not in place.store for place in places)


def test_the_store_itself_says_the_same(box: Box) -> None:
    box.put("inbox/a.csv", b"x")
    (file,) = box.listed()

    place = find_place(kind=box.kind, path=box.folder, config=box.config)

    assert (place.store, place.folder) == (file.store, folder_of(file.key))


@pytest.mark.parametrize(("key", "folder"), [("/a/b.csv", "/a"), ("a/b.csv", "a"), ("b.csv", ""), ("/b.csv", "/")])
def test_the_folder_of_a_key_is_what_stands_before_its_name(key: str, folder: str) -> None:
    assert (folder_of(key), folder_of_keys(folder)) == (folder, folder)
