"""The API of connectors: shapes, secrets that never come back, roles, strangers, and every field wrongly filled."""

import json
import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from flows.models import Connector
from flows.services.connectors import vault_key
from kaireon.platform.audit.selectors import Filters, list_entries
from kaireon.platform.vault.services import VaultError, read_secret
from tests.flows.pipeline_world import make_connector, make_pipeline, source_ir
from tests.people import Person

pytestmark = pytest.mark.django_db
PATH = "/api/v1/connectors"
KEYS = [
    "id", "tenantId", "name", "type", "description", "config", "authMethod", "hasAuthConfig", "status", "lastTestedAt",
    "lastError", "lastSyncRowCount", "lastSyncAt", "createdAt", "updatedAt",
]  # fmt: skip
SECRET = {"accessKeyId": "AKIA-zebra", "secretAccessKey": "s3cret-zebra"}
BUCKET = {"bucket": "acme-orders", "region": "eu-central-1"}
S3 = {
    "name": "Orders bucket", "type": "aws_s3", "description": "Of the shop",
    "config": BUCKET, "authConfig": SECRET,
}  # fmt: skip


def post(client: APIClient, body: Any, path: str = PATH) -> Any:
    return client.post(path, body, format="json")


def kept_secret(connector: dict[str, Any], person: Person) -> dict[str, Any]:
    return read_secret(tenant_id=person.tenant.pk, key=vault_key(uuid.UUID(connector["id"])))


def test_a_connector_is_created_as_documented_and_its_secret_is_never_returned(eve: Person) -> None:
    client = eve.api()

    answer = post(client, S3)

    connector = answer.json()
    assert answer.status_code == 201
    assert list(connector) == KEYS
    assert (connector["authMethod"], connector["hasAuthConfig"], connector["status"]) == (
        "access_key", True, "untested",
    )  # fmt: skip
    assert kept_secret(connector, eve) == SECRET
    reads = [client.get(PATH), client.get(f"{PATH}/{connector['id']}"), answer]
    assert not [each for each in reads if "zebra" in each.content.decode() or '"authConfig"' in each.content.decode()]


def test_the_secret_stands_in_no_table_and_in_no_audit_entry(eve: Person) -> None:
    client = eve.api()
    connector = post(client, S3).json()
    client.patch(f"{PATH}/{connector['id']}", {"authConfig": {**SECRET, "sessionToken": "zebra"}}, format="json")

    row = Connector.objects.for_tenant(eve.tenant).values().get()
    entries = [[entry.before, entry.after, entry.changes] for entry in list_entries(eve.tenant, Filters())]

    assert "zebra" not in repr(row)
    assert "zebra" not in repr(entries)
    assert {"from": None, "to": True} in [entry[2].get("secretChanged") for entry in entries]


def test_connection_config_is_another_name_of_config(eve: Person) -> None:
    body = {"name": "Bucket", "type": "aws_s3", "connectionConfig": BUCKET}

    connector = post(eve.api(), body).json()
    both = post(eve.api(), {**body, "config": BUCKET})

    assert connector["config"] == BUCKET
    assert (both.status_code, list(both.json()["error"]["fields"])) == (400, ["connectionConfig"])


REQUIRED: list[tuple[str, dict[str, Any]]] = [
    ("aws_s3", {"bucket": "acme-orders", "region": "eu-central-1"}),
    ("gcs", {"bucket": "acme", "project": "acme-1"}),
    ("azure_blob", {"container": "acme", "storageAccount": "acmestore"}),
    ("sftp", {"host": "files.example.com", "port": 22}),
    ("postgresql", {"host": "db.example.com", "port": 5432, "database": "shop"}),
    ("mysql", {"host": "db.example.com", "port": 3306, "database": "shop"}),
    ("redshift", {"host": "db.example.com", "port": 5439, "database": "shop"}),
    ("rest_api", {"url": "https://api.example.com/v1"}),
    ("webhook", {"url": "https://hooks.example.com/in"}),
    ("http_pull", {"url": "https://files.example.com/orders.csv"}),
    ("kafka", {"bootstrapServers": "a.example.com:9092,b.example.com:9092"}),
]


@pytest.mark.parametrize(("kind", "config"), REQUIRED, ids=[kind for kind, _ in REQUIRED])
def test_each_type_needs_its_documented_config_and_no_more(eve: Person, kind: str, config: dict[str, Any]) -> None:
    client = eve.api()

    whole = post(client, {"name": kind, "type": kind, "config": config})
    bare = post(client, {"name": f"{kind} bare", "type": kind})
    more = post(client, {"name": f"{kind} more", "type": kind, "config": {**config, "colour": "green"}})

    assert (whole.status_code, whole.json()["config"]) == (201, config)
    assert (bare.status_code, set(bare.json()["error"]["fields"])) == (422, {f"config.{name}" for name in config})
    assert (more.status_code, set(more.json()["error"]["fields"])) == (422, {"config.colour"})


DATABASE = {"port": 5432, "database": "shop"}
BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("no-name", {"name": None}, 400, "name"),
    ("unknown-type", {"type": "ftp"}, 400, "type"),
    ("unknown-field", {"colour": 1}, 400, "colour"),
    ("config-list", {"config": []}, 400, "config"),
    ("nul", {"config": {"bucket": "a\0", "region": "eu"}}, 400, "config"),
    ("bucket-path", {"config": {"bucket": "a/../b", "region": "eu"}}, 422, "config.bucket"),
    ("secret-in-config", {"config": {**BUCKET, "secretAccessKey": "x"}}, 422, "config.secretAccessKey"),
    ("private-endpoint", {"config": {**BUCKET, "endpointUrl": "http://127.0.0.1:9000"}}, 422, "config.endpointUrl"),
    ("metadata", {"config": {**BUCKET, "endpointUrl": "https://169.254.169.254/"}}, 422, "config.endpointUrl"),
    ("private-host", {"type": "sftp", "config": {"host": "169.254.169.254", "port": 22}}, 422, "config.host"),
    ("this-house", {"type": "postgresql", "config": {**DATABASE, "host": "localhost"}}, 422, "config.host"),
    ("unknown-secret", {"authConfig": {"password": "zebra"}}, 422, "authConfig.password"),
    ("half-a-secret", {"authConfig": {"accessKeyId": "zebra"}}, 422, "authConfig.secretAccessKey"),
    ("secret-with-none", {"authMethod": "none"}, 422, "authConfig"),
    ("secret-text", {"authConfig": "zebra"}, 400, "authConfig"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "field"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_a_bad_connector_is_refused_and_names_its_field(
    eve: Person, change: dict[str, Any], status: int, field: str
) -> None:
    answer = eve.api().post(PATH, json.dumps({**S3, **change}), content_type="application/json")

    assert (answer.status_code, field in answer.json()["error"]["fields"]) == (status, True)
    assert "zebra" not in answer.content.decode()
    assert not Connector.objects.for_tenant(eve.tenant).exists()


def test_a_private_endpoint_that_the_operator_allows_is_taken(eve: Person, settings: Any) -> None:
    settings.NOTIFICATIONS_ALLOWED_HOSTS = ["127.0.0.1:9000"]
    config = {**BUCKET, "endpointUrl": "http://127.0.0.1:9000"}

    assert post(eve.api(), {**S3, "config": config}).status_code == 201


def test_config_is_merged_and_a_null_goes(eve: Person) -> None:
    client = eve.api()
    path = f"{PATH}/{post(client, S3).json()['id']}"

    merged = client.patch(path, {"config": {"pathStyle": True}}, format="json").json()
    less = client.patch(path, {"config": {"pathStyle": None}}, format="json").json()
    broken = client.patch(path, {"config": {"bucket": None}}, format="json")

    assert merged["config"] == {**BUCKET, "pathStyle": True}
    assert less["config"] == BUCKET
    assert (broken.status_code, list(broken.json()["error"]["fields"])) == (422, ["config.bucket"])


def test_a_secret_is_replaced_removed_or_stays(eve: Person) -> None:
    client = eve.api()
    connector = post(client, S3).json()
    path = f"{PATH}/{connector['id']}"

    client.patch(path, {"description": "Other"}, format="json")
    stays = kept_secret(connector, eve)
    new = client.patch(path, {"authConfig": {"accessKeyId": "b", "secretAccessKey": "c"}}, format="json").json()
    replaced = kept_secret(connector, eve)
    gone = client.patch(path, {"authConfig": None}, format="json").json()

    assert (stays, replaced) == (SECRET, {"accessKeyId": "b", "secretAccessKey": "c"})
    assert (new["hasAuthConfig"], gone["hasAuthConfig"]) == (True, False)
    with pytest.raises(VaultError):
        kept_secret(connector, eve)


@pytest.mark.parametrize(
    ("kind", "config", "secret", "change"),
    [
        ("sftp", {"host": "a.example.com", "port": 22}, {"password": "x"}, {"host": "evil.example.com"}),
        ("sftp", {"host": "a.example.com", "port": 22}, {"password": "x"}, {"port": 2222}),
        ("http_pull", {"url": "https://a.example.com/x"}, {"token": "x"}, {"url": "https://evil.example.com/x"}),
        ("aws_s3", BUCKET, SECRET, {"endpointUrl": "https://evil.example.com"}),
    ],
    ids=["host", "port", "url", "endpoint"],
)
def test_a_kept_secret_is_sent_to_no_other_address(
    eve: Person, kind: str, config: dict[str, Any], secret: dict[str, Any], change: dict[str, Any]
) -> None:
    client = eve.api()
    made = post(client, {"name": "X", "type": kind, "config": config, "authConfig": secret}).json()
    path = f"{PATH}/{made['id']}"

    moved = client.patch(path, {"config": change}, format="json")
    with_secret = client.patch(path, {"config": change, "authConfig": secret}, format="json")

    assert (moved.status_code, list(moved.json()["error"]["fields"])) == (422, ["authConfig"])
    assert with_secret.status_code == 200


def test_a_connector_in_use_stays_and_says_who_uses_it(eve: Person) -> None:
    client = eve.api()
    own, named, free = (make_connector(eve.tenant, name) for name in ("Own", "Named", "Free"))
    make_pipeline(eve.tenant, "By itself", connector_id=own.pk)
    make_pipeline(eve.tenant, "In a source", ir=source_ir(connectorId=str(named.pk)))

    answers = [client.delete(f"{PATH}/{row.pk}") for row in (own, named, free)]

    assert [answer.status_code for answer in answers] == [409, 409, 204]
    assert "By itself" in answers[0].json()["error"]["message"]
    assert "In a source" in answers[1].json()["error"]["message"]


def test_deleting_takes_the_secret_along(eve: Person) -> None:
    client = eve.api()
    connector = post(client, S3).json()

    client.delete(f"{PATH}/{connector['id']}")

    with pytest.raises(VaultError):
        kept_secret(connector, eve)


def test_a_name_is_taken_once_in_a_tenant(eve: Person, charlie: Person) -> None:
    first = post(eve.api(), S3)
    answers = [post(eve.api(), S3), post(charlie.api(), S3)]

    assert first.status_code == 201
    assert [answer.status_code for answer in answers] == [409, 201]
    assert list(answers[0].json()["error"]["fields"]) == ["name"]


def test_a_viewer_reads_and_writes_nothing(bob: Person) -> None:
    path = f"{PATH}/{make_connector(bob.tenant).pk}"
    client = bob.api()

    reads = [client.get(PATH).status_code, client.get(path).status_code]
    writes = {
        post(client, S3).status_code, client.patch(path, {"name": "x"}, format="json").status_code,
        client.delete(path).status_code, post(client, {"connectorId": path[-36:]}, f"{PATH}/test").status_code,
    }  # fmt: skip

    assert (reads, writes) == ([200, 200], {403})


def test_another_tenants_connector_is_not_there(eve: Person, charlie: Person) -> None:
    row_id = make_connector(eve.tenant).pk
    client = charlie.api()

    statuses = {
        client.get(f"{PATH}/{row_id}").status_code, client.delete(f"{PATH}/{row_id}").status_code,
        client.patch(f"{PATH}/{row_id}", {"name": "x"}, format="json").status_code,
        post(client, {"connectorId": str(row_id)}, f"{PATH}/test").status_code,
    }  # fmt: skip

    assert statuses == {404}
    assert client.get(PATH).json()["data"] == []
