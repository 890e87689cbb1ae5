"""Integration pages: add, change, test and delete destinations; secrets go in and never come back."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from kaireon.platform.notifications.decisions import DestinationState, State
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.notifications.services.destinations import vault_key
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.vault.services import read_secret
from tests.architecture.furniture import furnish
from tests.people import Person
from tests.servers import Receiver, Reply

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SECRET_URL = "https://hooks.slack.com/services/T000/B000/v3ry-s3cret"


@pytest.fixture
def receiver(settings: Any) -> Any:
    """Run a webhook server whose address tenants may use."""
    server = Receiver()
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [server.place]
    yield server
    server.close()


def webhook(tenant: Tenant, receiver: Receiver) -> Destination:
    config = {"url": receiver.url(), "headers": {"Authorization": "Bearer t0ken"}}
    return create_destination(
        tenant_id=tenant.pk, kind="webhook", name="Pager", config=config, enabled=True, actor=SYSTEM, now=timezone.now()
    )  # fmt: skip


def secrets_of(row: Destination) -> dict[str, Any]:
    return read_secret(tenant_id=row.tenant_id, key=vault_key(row.pk))


def test_a_mail_destination_is_added(acme: Tenant, alice: Person) -> None:
    form = {
        "kind": "ops_email", "name": "Operations", "enabled": "on", "from_email": "a@example.com",
        "recipients": "b@example.com\n\n c@example.com ",
    }  # fmt: skip

    answer = alice.browser().post("/settings/integrations/new", form)

    row = Destination.objects.for_tenant(acme).get()
    assert answer["Location"] == f"/settings/integrations/{row.pk}"
    assert row.shown_config == {"fromEmail": "a@example.com", "recipients": ["b@example.com", "c@example.com"]}


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_web_address_is_kept_and_never_shown(kind: str, acme: Tenant, alice: Person) -> None:
    browser = alice.browser()

    browser.post(
        "/settings/integrations/new", {"kind": kind, "name": "Room", "enabled": "on", "webhook_url": SECRET_URL}
    )
    row = Destination.objects.for_tenant(acme).get()
    pages = [
        browser.get(f"/settings/integrations{path}").content.decode() for path in ("", f"/{row.pk}", f"/{row.pk}/edit")
    ]

    assert secrets_of(row) == {"webhookUrl": SECRET_URL}
    assert not any("v3ry-s3cret" in page for page in pages)


def test_a_made_signing_secret_is_shown_once(acme: Tenant, alice: Person, receiver: Receiver) -> None:
    browser = alice.browser()
    form = {"kind": "webhook", "name": "Pager", "enabled": "on", "url": receiver.url(), "make_secret": "on"}

    answer = browser.post("/settings/integrations/new", form)
    row = Destination.objects.for_tenant(acme).get()
    again = browser.get(f"/settings/integrations/{row.pk}").content.decode()

    secret = secrets_of(row)["secret"]
    assert secret.startswith("whsec_")
    assert secret in answer.content.decode()
    assert secret not in again


def test_an_error_keeps_what_was_typed_but_no_secret(acme: Tenant, alice: Person) -> None:
    form = {
        "kind": "webhook", "name": "", "url": "https://example.com/hook/v3ry-s3cret", "secret": "own-s3cret",
        "headers": "Authorization: Bearer t0ken", "make_secret": "",
    }  # fmt: skip

    answer = alice.browser().post("/settings/integrations/new", form)

    text = answer.content.decode()
    assert answer.status_code == 400
    assert not any(secret in text for secret in ("v3ry-s3cret", "own-s3cret", "t0ken"))
    assert 'href="#destination_name"' in text
    assert not Destination.objects.for_tenant(acme).exists()


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"kind": "slack", "webhook_url": ""}, "webhook_url"),
        ({"kind": "slack", "webhook_url": "http://10.0.0.1/x"}, "webhook_url"),
        ({"kind": "webhook", "url": "not an address"}, "url"),
        ({"kind": "webhook", "url": SECRET_URL, "headers": "no colon here"}, "headers"),
        ({"kind": "webhook", "url": SECRET_URL, "headers": "Host: evil"}, "headers"),
        ({"kind": "ops_email", "from_email": "nobody", "recipients": "b@example.com"}, "from_email"),
        ({"kind": "ops_email", "from_email": "a@example.com", "recipients": "b@"}, "recipients"),
        ({"kind": "ops_email", "from_email": "a@example.com", "recipients": ""}, "recipients"),
        ({"kind": "carrier_pigeon"}, "kind"),
    ],
)
def test_what_cannot_be_says_so_beside_its_field(form: dict[str, str], field: str, acme: Tenant, alice: Person) -> None:
    answer = alice.browser().post("/settings/integrations/new", {"name": "Room", "enabled": "on", **form})

    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert not Destination.objects.for_tenant(acme).exists()


def test_an_empty_secret_of_an_edit_stays_as_it_was(acme: Tenant, alice: Person, receiver: Receiver) -> None:
    row = webhook(acme, receiver)
    form = {"kind": "webhook", "name": "Renamed", "url": "", "secret": "", "headers": "Authorization: ••••••••"}

    answer = alice.browser().post(f"/settings/integrations/{row.pk}/edit", form)

    row.refresh_from_db()
    assert answer.status_code == 303
    assert (row.name, row.enabled) == ("Renamed", False)
    assert secrets_of(row) == {"url": receiver.url(), "headers": {"Authorization": "Bearer t0ken"}}


def test_a_header_can_be_added_and_taken_away(acme: Tenant, alice: Person, receiver: Receiver) -> None:
    row, browser = webhook(acme, receiver), alice.browser()
    address, form = f"/settings/integrations/{row.pk}/edit", {"kind": "webhook", "name": "Pager", "enabled": "on"}

    browser.post(address, {**form, "headers": "Authorization: ••••••••\nX-Team: payments"})
    two = secrets_of(row)["headers"]
    browser.post(address, {**form, "headers": "X-Team: ••••••••"})

    assert two == {"Authorization": "Bearer t0ken", "X-Team": "payments"}
    assert secrets_of(row)["headers"] == {"X-Team": "payments"}


def test_test_sends_through_the_real_path_and_answers_with_the_row(
    acme: Tenant, alice: Person, receiver: Receiver
) -> None:
    row = webhook(acme, receiver)

    answer = alice.browser().post(f"/settings/integrations/{row.pk}/test", headers=HTMX)

    text = answer.content.decode()
    assert len(receiver.got) == 1
    assert f'id="destination-{row.pk}"' in text
    assert "Delivered" in text
    assert "<html" not in text


def test_a_destination_that_is_gone_is_shown_broken_first(acme: Tenant, alice: Person, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(410)
    row, browser = webhook(acme, receiver), alice.browser()

    browser.post(f"/settings/integrations/{row.pk}/test", headers=HTMX)
    text = browser.get("/settings/integrations").content.decode()

    row.refresh_from_db()
    assert row.state == DestinationState.BROKEN
    assert "Pager is broken" in text
    assert "410" in text


def test_a_failed_delivery_is_sent_again_as_a_new_one(acme: Tenant, alice: Person, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(400)
    row, browser = webhook(acme, receiver), alice.browser()
    browser.post(f"/settings/integrations/{row.pk}/test", headers=HTMX)
    failed = Delivery.objects.for_tenant(acme).get()
    receiver.script = lambda got: Reply(200)

    answer = browser.post(f"/settings/integrations/deliveries/{failed.pk}/resend")
    page = browser.get(answer["Location"]).content.decode()
    drawer = browser.get(f"/settings/integrations/deliveries/{failed.pk}", headers=HTMX).content.decode()

    assert answer.status_code == 303
    assert Delivery.objects.for_tenant(acme).exclude(pk=failed.pk).get().state == State.DELIVERED
    assert "This repeats an earlier delivery" in page
    assert "Sent again" in drawer
    assert "answered 400" in drawer


def test_what_was_delivered_is_not_sent_again(acme: Tenant, alice: Person) -> None:
    ids, browser = furnish(acme, timezone.now()), alice.browser()

    answer = browser.post(f"/settings/integrations/deliveries/{ids['delivery']}/resend")

    assert answer["Location"] == f"/settings/integrations/deliveries/{ids['delivery']}"
    assert list(get_messages(answer.wsgi_request))
    assert Delivery.objects.for_tenant(acme).count() == 1


def test_deleting_asks_with_the_name_and_the_effect(acme: Tenant, alice: Person, receiver: Receiver) -> None:
    row, browser = webhook(acme, receiver), alice.browser()

    page = browser.get(f"/settings/integrations/{row.pk}").content.decode()
    answer = browser.post(f"/settings/integrations/{row.pk}/delete")

    assert 'data-confirm="Delete the destination “Pager”?"' in page
    assert answer["Location"] == "/settings/integrations"
    assert not Destination.objects.for_tenant(acme).exists()


@pytest.mark.parametrize("act", ["edit", "test", "delete"])
def test_an_editor_reads_and_does_not_change(act: str, acme: Tenant, eve: Person, receiver: Receiver) -> None:
    row, browser = webhook(acme, receiver), eve.browser()

    answer = browser.post(f"/settings/integrations/{row.pk}/{act}", {"name": "x"})
    page = browser.get(f"/settings/integrations/{row.pk}").content.decode()

    assert answer.status_code == 403
    assert f"/settings/integrations/{row.pk}/{act}" not in page
    assert receiver.got == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [({}, 1), ({"state": "delivered"}, 1), ({"state": "failed"}, 0), ({"state": "x'--"}, 1), ({"destination": "x"}, 1)],
)
def test_deliveries_are_narrowed_and_nonsense_does_no_harm(
    query: dict[str, str], shown: int, acme: Tenant, bob: Person
) -> None:
    furnish(acme, timezone.now())

    page = bob.browser().get("/settings/integrations/deliveries", query)

    assert page.status_code == 200
    assert len(page.context["deliveries"]) == shown


def test_a_delivery_shows_the_exact_message(acme: Tenant, bob: Person) -> None:
    ids = furnish(acme, timezone.now(), mark="Oslo")

    text = bob.browser().get(f"/settings/integrations/deliveries/{ids['delivery']}").content.decode()

    assert "Oslo rule" in text
    assert "&quot;eventType&quot;: &quot;alert.fired&quot;" in text
    assert "1. Delivered" in text
