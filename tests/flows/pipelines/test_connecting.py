"""Which connector a source reads through, with which credentials, and what is said when none serves it."""

from typing import Any

import pytest

from flows.ir.parsing import parse_pipeline_ir
from flows.ir.sources import SourceNode
from flows.models import Connector, Pipeline
from flows.services.connecting import note_sync, store_access
from flows.storage.base import StorageError
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_connector, make_pipeline, source_ir

pytestmark = pytest.mark.django_db
BUCKET = {"bucket": "acme-orders", "region": "eu-central-1"}
SECRET = {"accessKeyId": "a", "secretAccessKey": "zebra"}


def source(connector: str = "local_fs", **config: Any) -> SourceNode:
    node = parse_pipeline_ir(source_ir(connector, **config)).nodes[0]
    assert isinstance(node, SourceNode)
    return node


def bucket(tenant: Tenant, name: str = "Bucket") -> Connector:
    return make_connector(tenant, name, type="aws_s3", config=BUCKET, auth_config=SECRET)


def test_a_folder_needs_no_connector(acme: Tenant) -> None:
    access = store_access(make_pipeline(acme), source(path="inbox/"))

    assert (access.kind, access.path, access.config, access.secret) == ("local_fs", "inbox/", {}, {})


def test_a_bucket_is_opened_with_the_pipelines_connector_and_its_secret(acme: Tenant) -> None:
    connector = bucket(acme)
    pipeline = make_pipeline(acme, connector_id=connector.pk, ir=source_ir("s3", path="s3://acme-orders/inbox/"))

    access = store_access(pipeline, source("s3", path="s3://acme-orders/inbox/"))

    assert access.config == {**BUCKET, "authMethod": "access_key"}
    assert (access.secret, access.connector_id) == (SECRET, connector.pk)
    assert "zebra" not in repr(access)


def test_a_source_names_a_connector_of_its_own(acme: Tenant) -> None:
    standard, own = bucket(acme, "Standard"), bucket(acme, "Own")
    pipeline = make_pipeline(acme, connector_id=standard.pk, ir=source_ir("s3", path="s3://x/"))

    access = store_access(pipeline, source("s3", path="s3://x/", connectorId=str(own.pk)))

    assert access.connector_id == own.pk


@pytest.mark.parametrize(
    ("path", "opened"),
    [("orders/", "/srv/files/orders/"), ("/elsewhere/", "/elsewhere/")],
    ids=["relative", "absolute"],
)
def test_a_relative_path_begins_at_the_connectors_base(acme: Tenant, path: str, opened: str) -> None:
    connector = make_connector(acme, config={"basePath": "/srv/files/"})
    pipeline = make_pipeline(acme, connector_id=connector.pk)

    assert store_access(pipeline, source(path=path)).path == opened


def test_a_pipelines_bucket_serves_no_folder_which_needs_none(acme: Tenant) -> None:
    pipeline = make_pipeline(acme, connector_id=bucket(acme).pk)

    assert store_access(pipeline, source(path="inbox/")).connector_id is None


def broken(pipeline: Pipeline, node: SourceNode) -> str:
    with pytest.raises(StorageError) as refusal:
        store_access(pipeline, node)
    assert not refusal.value.is_transient
    return refusal.value.message


def test_what_no_connector_serves_is_said(acme: Tenant, globex: Tenant) -> None:
    folder, theirs = make_connector(acme, "Folder"), bucket(globex, "Theirs")
    pipeline = make_pipeline(acme, connector_id=folder.pk)
    bare = make_pipeline(acme, "Bare")

    words = [
        broken(bare, source("s3", path="s3://x/")),
        broken(pipeline, source("s3", path="s3://x/")),
        broken(pipeline, source("s3", path="s3://x/", connectorId=str(theirs.pk))),
        broken(pipeline, source("s3", path="s3://x/", connectorId=str(folder.pk))),
    ]

    assert "has no connector" in words[0]
    assert "Folder is of type local_fs, which serves no s3 source" in words[1]
    assert words[2] == "There is no such connector for this tenant."
    assert "serves no s3 source" in words[3]


def test_a_secret_that_does_not_open_names_the_connector_alone(acme: Tenant, settings: Any) -> None:
    pipeline = make_pipeline(acme, connector_id=bucket(acme).pk, ir=source_ir("s3", path="s3://x/"))
    settings.CONNECTOR_ENCRYPTION_KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="

    assert broken(pipeline, source("s3", path="s3://x/")).startswith("The credentials of the connector Bucket")


def test_a_sync_is_noted_on_the_connectors_that_were_read(acme: Tenant) -> None:
    standard, own, other = (bucket(acme, name) for name in ("Standard", "Own", "Other"))
    pipeline = make_pipeline(acme, connector_id=standard.pk, ir=source_ir("s3", path="s3://x/"))
    nodes = [source("s3", path="s3://x/"), source("s3", path="s3://x/", connectorId=str(own.pk))]

    note_sync(pipeline=pipeline, sources=nodes, rows=7, now=NOW)

    noted = dict(Connector.objects.for_tenant(acme).values_list("name", "last_sync_row_count"))
    assert noted == {"Standard": 7, "Own": 7, "Other": None}
    assert Connector.objects.for_tenant(acme).get(pk=other.pk).last_sync_at is None
