"""Connectors: made and changed by a form of their type, tested, deleted; never a secret in a page."""

from typing import Any

import pytest

from flows.decisions.connector_types import TYPES
from flows.models import Connector
from flows.services.connectors import vault_key
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.vault.services import read_secret
from tests.flows.pipeline_world import make_connector, make_pipeline
from tests.pages.flow_world import CONNECTORS, HTMX, events_of, said
from tests.people import Person

pytestmark = pytest.mark.django_db
SECRET = "s3cr3t-of-the-lake"


def s3(**changes: str) -> dict[str, str]:
    """Return the form of a bucket as a person fills it in."""
    return {
        "type": "aws_s3", "name": "Lake", "description": "Raw files", "f.aws_s3.config.bucket": "lake",
        "f.aws_s3.config.region": "eu-west-1", "f.aws_s3.authConfig.accessKeyId": "AKIA",
        "f.aws_s3.authConfig.secretAccessKey": SECRET, **changes,
    }  # fmt: skip


def only(tenant: Tenant) -> Connector:
    return Connector.objects.for_tenant(tenant).get()


def secret_of(connector: Connector) -> Any:
    return read_secret(tenant_id=connector.tenant_id, key=vault_key(connector.pk))


def page_of(connector: Connector, act: str = "") -> str:
    return f"{CONNECTORS}/{connector.pk}{f'/{act}' if act else ''}"


def lake(tenant: Tenant, **changes: Any) -> Connector:
    """Return a kept bucket with a secret."""
    values = {
        "type": "aws_s3", "config": {"bucket": "lake", "region": "eu-west-1", "pathStyle": True},
        "auth_config": {"accessKeyId": "AKIA", "secretAccessKey": SECRET}, **changes,
    }  # fmt: skip
    return make_connector(tenant, "Lake", **values)


@pytest.mark.parametrize("kind", TYPES)
def test_the_form_has_the_fields_of_every_type(kind: str, eve: Person) -> None:
    text = eve.browser().get(f"{CONNECTORS}/new").content.decode()

    assert f'data-shown-for="type:{kind}"' in text


def test_a_connector_is_made_with_its_secret_in_the_vault(acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(f"{CONNECTORS}/new", s3())

    row = only(acme)
    assert answer["Location"] == page_of(row)
    assert row.config == {"bucket": "lake", "region": "eu-west-1"}
    assert secret_of(row) == {"accessKeyId": "AKIA", "secretAccessKey": SECRET}


def test_a_folder_needs_nothing_but_a_name(acme: Tenant, eve: Person) -> None:
    eve.browser().post(f"{CONNECTORS}/new", {"type": "local_fs", "name": "Inbox", "f.local_fs.config.basePath": "/srv"})

    assert only(acme).config == {"basePath": "/srv"}


def test_what_is_wrong_stands_beside_its_field_and_the_secret_does_not_come_back(acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(f"{CONNECTORS}/new", s3(**{"f.aws_s3.config.bucket": "!!"}))

    text = answer.content.decode()
    assert answer.status_code == 400
    assert 'id="f-aws_s3-config-bucket-error"' in text
    assert 'value="eu-west-1"' in text
    assert SECRET not in text
    assert not Connector.objects.for_tenant(acme).exists()


@pytest.mark.parametrize(
    "changes", [{"name": ""}, {"name": "x\x00"}, {"type": "nonsense"}, {"name": "x" * 121}],
    ids=["no-name", "nul", "no-type", "long"],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_the_form(changes: dict[str, str], acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(f"{CONNECTORS}/new", s3(**changes))

    assert answer.status_code == 400
    assert not Connector.objects.for_tenant(acme).exists()


def test_a_name_that_is_taken_stands_beside_the_name(acme: Tenant, eve: Person) -> None:
    make_connector(acme, "Lake")

    text = eve.browser().post(f"{CONNECTORS}/new", s3()).content.decode()

    assert "Another connector has this name" in text


def test_no_page_of_a_connector_holds_its_secret(acme: Tenant, alice: Person) -> None:
    row = lake(acme)

    pages = [alice.browser().get(address).content.decode() for address in (CONNECTORS, page_of(row))]

    assert not any(SECRET in page or "AKIA" in page for page in pages)
    assert "They are stored" in pages[1]


def test_an_empty_secret_keeps_the_one_that_is_stored(acme: Tenant, eve: Person) -> None:
    row = lake(acme)
    typed = s3(
        name="Lake of files", **{"f.aws_s3.authConfig.accessKeyId": "", "f.aws_s3.authConfig.secretAccessKey": ""}
    )

    eve.browser().post(page_of(row), typed)

    row.refresh_from_db()
    assert row.name == "Lake of files"
    assert row.config == {"bucket": "lake", "region": "eu-west-1"}
    assert secret_of(row)["secretAccessKey"] == SECRET


def test_a_new_secret_replaces_the_old_one_as_a_whole(acme: Tenant, eve: Person) -> None:
    row = lake(acme)

    eve.browser().post(page_of(row), s3(**{"f.aws_s3.authConfig.secretAccessKey": "new"}))

    assert secret_of(row) == {"accessKeyId": "AKIA", "secretAccessKey": "new"}


def test_without_credentials_is_a_choice(acme: Tenant, eve: Person) -> None:
    typed = s3(is_open="on", **{"f.aws_s3.authConfig.accessKeyId": "", "f.aws_s3.authConfig.secretAccessKey": ""})

    eve.browser().post(f"{CONNECTORS}/new", typed)

    assert (only(acme).auth_method, only(acme).has_secret) == ("none", False)


def test_the_type_of_a_kept_connector_stays(acme: Tenant, eve: Person) -> None:
    row = make_connector(acme, "Inbox")

    eve.browser().post(page_of(row), {"type": "aws_s3", "name": "Inbox 2"})

    row.refresh_from_db()
    assert (row.type, row.name) == ("local_fs", "Inbox 2")


def test_test_asks_the_place_and_says_what_it_found(acme: Tenant, eve: Person, settings: Any, tmp_path: Any) -> None:
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    good = make_connector(acme, "Good", config={"basePath": str(tmp_path)})
    bad = make_connector(acme, "Bad", config={"basePath": "/nowhere/at/all"})

    answers = {row.name: eve.browser().post(page_of(row, "test"), headers=HTMX) for row in (good, bad)}

    assert events_of(answers["Good"])["k-say"]["tone"] == "good"
    assert events_of(answers["Bad"])["k-say"]["tone"] == "bad"
    assert "Failed" in answers["Bad"].content.decode()
    assert "“Bad” failed its test" in eve.browser().get(CONNECTORS).content.decode()


def test_test_without_a_script_leads_back(acme: Tenant, eve: Person) -> None:
    row = make_connector(acme, config={"basePath": "/nowhere/at/all"})

    answer = eve.browser().post(page_of(row, "test"))

    assert answer["Location"] == page_of(row)
    assert "“Inbox”" in said(answer)


def test_a_connector_that_a_pipeline_uses_stays(acme: Tenant, eve: Person) -> None:
    row = make_connector(acme)
    make_pipeline(acme, connector_id=row.pk)

    answer = eve.browser().post(page_of(row, "delete"))

    assert "is used by Load orders" in said(answer)
    assert "Load orders" in eve.browser().get(page_of(row)).content.decode()
    assert only(acme) == row


def test_a_connector_that_nobody_uses_goes(acme: Tenant, eve: Person) -> None:
    row = make_connector(acme)

    answer = eve.browser().post(page_of(row, "delete"))

    assert answer["Location"] == CONNECTORS
    assert not Connector.objects.for_tenant(acme).exists()


def test_a_viewer_sees_what_is_no_secret_and_changes_nothing(acme: Tenant, bob: Person) -> None:
    row = lake(acme)

    text = bob.browser().get(page_of(row)).content.decode()

    assert "lake" in text
    assert "connector-form" not in text
    assert {bob.browser().post(page_of(row, act)).status_code for act in ("", "test", "delete")} == {403}
