"""Send, test and resend: all of them are rows of the ledger on the very same path."""

import uuid

import pytest

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import Conflict, NotFound
from kaireon.platform.notifications.decisions import DestinationState, State
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import resend_delivery, send_now, send_test
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.notifications.ledger import NOW, deliver, make_destination, message, open_one, reload
from tests.servers import Receiver, Reply


def state_of(destination: Destination) -> str:
    return Destination.objects.across_tenants().get(pk=destination.pk).state


def send_one_test(destination: Destination) -> Delivery:
    return send_test(tenant_id=destination.tenant_id, destination_id=destination.pk, actor=SYSTEM, now=NOW)


def resend(row: Delivery, tenant_id: uuid.UUID | None = None) -> Delivery:
    return resend_delivery(tenant_id=tenant_id or row.tenant_id, delivery_id=row.pk, actor=SYSTEM, now=NOW)


def test_a_message_is_sent_to_every_destination_and_the_answers_are_waited_for(
    acme: Tenant, receiver: Receiver
) -> None:
    hook, slack = make_destination(acme, receiver), make_destination(acme, receiver, kind="slack", path="/slack")
    receiver.script = lambda got: Reply(200 if got.path == "/slack" else 400)

    rows = send_now(
        tenant_id=acme.pk, provider_ids=[slack.pk, hook.pk], message=message(), actor=SYSTEM, now=NOW
    )  # fmt: skip

    assert [(row.provider_kind, row.state) for row in rows] == [("slack", State.DELIVERED), ("webhook", State.FAILED)]
    assert {entry.action for entry in AuditEntry.objects.for_tenant(acme)} == {"create", "send"}


def test_with_one_foreign_destination_nothing_is_sent(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    mine, theirs = make_destination(acme, receiver), make_destination(globex, receiver)

    with pytest.raises(NotFound):
        send_now(tenant_id=acme.pk, provider_ids=[mine.pk, theirs.pk], message=message(), actor=SYSTEM, now=NOW)

    assert receiver.got == []
    assert not Delivery.objects.across_tenants().exists()


def test_sending_leaves_what_else_waits_to_the_worker(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    waiting = open_one(destination)

    send_now(tenant_id=acme.pk, provider_ids=[destination.pk], message=message(), actor=SYSTEM, now=NOW)

    assert reload(waiting).state == State.PENDING


@pytest.mark.parametrize("kind", ["webhook", "slack", "teams"])
def test_a_test_goes_the_way_of_every_message(acme: Tenant, receiver: Receiver, kind: str) -> None:
    destination = make_destination(acme, receiver, kind=kind, name="Ops channel")

    row = send_one_test(destination)

    assert (row.state, row.event_type, row.subject) == (State.DELIVERED, "test", "Test of Ops channel")
    assert b"Test of Ops channel" in receiver.got[0].body
    assert AuditEntry.objects.for_tenant(acme).filter(action="test").exists()


def test_a_test_that_succeeds_mends_a_broken_destination(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(410)
    destination = make_destination(acme, receiver)
    open_one(destination)
    deliver()
    broken = state_of(destination)
    receiver.script = lambda got: Reply(200)

    row = send_one_test(destination)

    assert (broken, row.state, state_of(destination)) == (DestinationState.BROKEN, State.DELIVERED, DestinationState.OK)
    assert open_one(destination).state == State.PENDING


def test_a_test_that_fails_says_why_and_leaves_the_mark(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(404, b"no_service")
    destination = make_destination(acme, receiver, kind="slack")

    row = send_one_test(destination)

    assert (row.state, row.error) == (State.FAILED, "Answered HTTP 404 Not Found: no_service.")
    assert state_of(destination) == DestinationState.BROKEN


def test_a_test_of_a_server_that_is_away_is_given_up_while_somebody_waits(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(503)

    row = send_one_test(make_destination(acme, receiver))

    assert (row.state, row.attempts) == (State.FAILED, 2)
    assert row.error.endswith("Given up after 2 attempts.")


def test_a_test_of_another_tenants_destination_is_refused(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)

    with pytest.raises(NotFound):
        send_test(tenant_id=globex.pk, destination_id=destination.pk, actor=SYSTEM, now=NOW)


def test_an_unknown_delivery_is_sent_again_as_a_new_one(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: None
    original = open_one(make_destination(acme, receiver), message=message("Rule 7", data={"ruleId": "7"}))
    deliver()
    receiver.script = lambda got: Reply(200)

    again = resend(original)

    assert again.pk != original.pk
    assert (again.state, again.resend_of_id, again.subject) == (State.DELIVERED, original.pk, "Rule 7")
    assert reload(original).state == State.UNKNOWN
    assert receiver.got[0].headers["webhook-id"] != receiver.got[1].headers["webhook-id"]
    assert AuditEntry.objects.for_tenant(acme).filter(action="resend").exists()


@pytest.mark.parametrize("state", [State.DELIVERED, State.DIGESTED])
def test_what_arrived_is_not_sent_again(acme: Tenant, receiver: Receiver, state: State) -> None:
    row = open_one(make_destination(acme, receiver))
    Delivery.objects.for_tenant(acme).update(state=state, next_attempt_at=None)

    with pytest.raises(Conflict):
        resend(row)

    assert receiver.got == []


def test_while_a_resend_waits_there_is_no_second_one(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(400)
    original = open_one(make_destination(acme, receiver))
    deliver()
    receiver.script = lambda got: Reply(503)
    waiting = resend(original)

    with pytest.raises(Conflict):
        resend(original)
    Delivery.objects.for_tenant(acme).filter(pk=waiting.pk).update(state=State.FAILED, next_attempt_at=None)
    receiver.script = lambda got: Reply(200)
    third = resend(original)

    assert waiting.state == State.PENDING
    assert third.state == State.DELIVERED


def test_another_tenants_delivery_cannot_be_sent_again(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(400)
    row = open_one(make_destination(acme, receiver))
    deliver()

    with pytest.raises(NotFound):
        resend(row, globex.pk)
