"""Configure destinations: what is kept, what is shown, what a patch merges, and who is told when one breaks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import BadRequest, NotFound, Unprocessable
from kaireon.platform.notifications.decisions import DestinationState, State, Verdict
from kaireon.platform.notifications.models import Destination
from kaireon.platform.notifications.services import (
    PLACEHOLDER,
    DestinationChange,
    create_destination,
    delete_destination,
    destinations,
    on_destination_broken,
    on_destination_recovered,
    update_destination,
)
from kaireon.platform.notifications.services.destinations import note_delivery, vault_key
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.vault.models import PlatformSetting
from kaireon.platform.vault.services import VaultError, read_secret
from tests.notifications.ledger import NOW

WEBHOOK = {"url": "https://example.com/s3cret-path", "secret": "s3cret", "headers": {"Authorization": "Bearer s3cret"}}
LATER = NOW + timedelta(hours=1)


def create(tenant: Tenant, kind: str = "webhook", config: dict[str, Any] | None = None) -> Destination:
    return create_destination(
        tenant_id=tenant.pk, kind=kind, name="Hook", config=WEBHOOK if config is None else config, enabled=True,
        actor=SYSTEM, now=NOW,
    )  # fmt: skip


def update(row: Destination, **changes: Any) -> Destination:
    return update_destination(
        tenant_id=row.tenant_id, destination_id=row.pk, changes=changes, actor=SYSTEM, now=LATER
    )  # fmt: skip


def kept(row: Destination) -> dict[str, Any]:
    return read_secret(tenant_id=row.tenant_id, key=vault_key(row.pk))


@pytest.fixture
def told() -> Iterator[list[tuple[str, DestinationChange, datetime]]]:
    heard: list[tuple[str, DestinationChange, datetime]] = []

    def broke(change: DestinationChange, now: datetime) -> None:
        heard.append(("broken", change, now))

    def recovered(change: DestinationChange, now: datetime) -> None:
        heard.append(("recovered", change, now))

    on_destination_broken(broke)
    on_destination_broken(broke)
    on_destination_recovered(recovered)
    yield heard
    destinations._broken_listeners.remove(broke)
    destinations._recovered_listeners.remove(recovered)


def test_a_config_is_kept_in_the_vault_and_shown_without_its_secrets(acme: Tenant) -> None:
    row = create(acme)

    assert kept(row) == WEBHOOK
    assert row.shown_config == {"url": PLACEHOLDER, "secret": PLACEHOLDER, "headers": {"Authorization": PLACEHOLDER}}
    assert row.config_summary == "example.com"
    stored = str(Destination.objects.for_tenant(acme).values().get()) + str(PlatformSetting.unscoped.values().get())
    assert "s3cret" not in stored


def test_a_mail_destination_shows_who_gets_it(acme: Tenant) -> None:
    config = {"fromEmail": "a@b.example", "recipients": ["c@d.example"], "replyTo": "e@f.example"}

    assert create(acme, "ops_email", config).shown_config == config


def test_the_audit_log_says_what_was_changed_and_no_secret(acme: Tenant) -> None:
    row = create(acme)
    update(row, name="New name", config={"secret": "other s3cret"})
    delete_destination(tenant_id=acme.pk, destination_id=row.pk, actor=SYSTEM, now=LATER)

    entries = list(AuditEntry.objects.for_tenant(acme).order_by("pk").values())
    assert [entry["action"] for entry in entries] == ["create", "update", "delete"]
    assert "New name" in str(entries[1])
    assert "s3cret" not in str(entries)


def test_an_unknown_kind_is_a_bad_request(acme: Tenant) -> None:
    with pytest.raises(BadRequest) as error:
        create(acme, "pigeon", {})

    assert "slack, teams, webhook, ops_email" in error.value.message
    assert list(error.value.fields) == ["kind"]


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("slack", {}, "config.webhookUrl"),
        ("slack", {"webhookUrl": "http://hooks.slack.com/s3cret"}, "config.webhookUrl"),
        ("slack", {"webhookUrl": PLACEHOLDER}, "config.webhookUrl"),
        ("webhook", {"url": "https://10.0.0.1/s3cret"}, "config.url"),
        ("webhook", {**WEBHOOK, "method": "GET"}, "config.method"),
        ("webhook", {**WEBHOOK, "headers": {"X": PLACEHOLDER}}, "config.headers"),
        ("webhook", {**WEBHOOK, "headers": {"X": 7}}, "config.headers.X"),
        ("ops_email", {"fromEmail": "a@b.example", "recipients": ["ok@d.example", "s3cret"]}, "config.recipients[1]"),
    ],
)
def test_a_config_that_cannot_be_names_its_field_and_repeats_no_secret(
    acme: Tenant, kind: str, config: dict[str, Any], field: str
) -> None:
    with pytest.raises(Unprocessable) as error:
        create(acme, kind, config)

    assert list(error.value.fields) == [field]
    assert "s3cret" not in f"{error.value!r} {error.value.message} {error.value.fields}"
    assert error.value.__cause__ is None
    assert error.value.__context__ is None
    assert not Destination.objects.for_tenant(acme).exists()


def test_a_patch_merges_and_the_placeholder_keeps_a_secret(acme: Tenant) -> None:
    row = create(acme)

    changed = update(
        row, config={"url": PLACEHOLDER, "secret": "new", "headers": {"Authorization": PLACEHOLDER, "X": "1"}}
    )

    assert kept(row) == {**WEBHOOK, "secret": "new", "headers": {"Authorization": "Bearer s3cret", "X": "1"}}
    assert changed.shown_config["headers"] == {"Authorization": PLACEHOLDER, "X": PLACEHOLDER}
    assert changed.updated_at == LATER


def test_what_is_read_can_be_written_back_and_changes_nothing(acme: Tenant) -> None:
    row = create(acme)

    update(row, config=row.shown_config)

    assert kept(row) == WEBHOOK


def test_null_removes_what_is_optional_and_cannot_remove_what_is_not(acme: Tenant) -> None:
    row = create(acme)

    update(row, config={"secret": None, "headers": {}})
    with pytest.raises(Unprocessable) as error:
        update(row, config={"url": None})

    assert kept(row) == {"url": WEBHOOK["url"]}
    assert list(error.value.fields) == ["config.url"]


def test_a_refused_patch_changes_nothing(acme: Tenant) -> None:
    row = create(acme)

    with pytest.raises(Unprocessable):
        update(row, name="New name", config={"url": "http://example.com/"})

    assert kept(row) == WEBHOOK
    assert Destination.objects.for_tenant(acme).get().name == "Hook"


def test_a_placeholder_for_a_secret_that_is_not_kept_is_refused(acme: Tenant) -> None:
    row = create(acme, config={"url": "https://example.com/"})

    with pytest.raises(Unprocessable) as error:
        update(row, config={"secret": PLACEHOLDER})

    assert list(error.value.fields) == ["config.secret"]


def test_a_config_that_no_longer_opens_can_be_typed_in_again(acme: Tenant) -> None:
    row = create(acme)
    PlatformSetting.objects.for_tenant(acme).update(ciphertext="v1.gone.x.y")

    with pytest.raises(Unprocessable) as error:
        update(row, config={"url": PLACEHOLDER})
    update(row, config={"url": "https://example.com/again"})

    assert list(error.value.fields) == ["config.url"]
    assert kept(row) == {"url": "https://example.com/again"}


def test_an_exception_that_was_taken_back_is_seen_when_the_config_is_saved_again(
    acme: Tenant, settings: Settings
) -> None:  # fmt: skip
    settings.NOTIFICATIONS_ALLOWED_HOSTS = ["127.0.0.1:9"]
    row = create(acme, config={"url": "http://127.0.0.1:9/"})
    settings.NOTIFICATIONS_ALLOWED_HOSTS = []

    with pytest.raises(Unprocessable):
        update(row, config={"secret": "new"})


def test_deleting_forgets_the_secret_too(acme: Tenant) -> None:
    row = create(acme)

    delete_destination(tenant_id=acme.pk, destination_id=row.pk, actor=SYSTEM, now=LATER)

    assert not Destination.objects.for_tenant(acme).exists()
    with pytest.raises(VaultError):
        kept(row)


def test_another_tenants_destination_is_not_there(acme: Tenant, globex: Tenant) -> None:
    row = create(acme)

    with pytest.raises(NotFound):
        update_destination(tenant_id=globex.pk, destination_id=row.pk, changes={}, actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        delete_destination(tenant_id=globex.pk, destination_id=row.pk, actor=SYSTEM, now=NOW)

    assert kept(row) == WEBHOOK


def note(row: Destination, state: State, *, is_broken: bool = False, now: datetime = LATER) -> Destination:
    verdict = Verdict(state, "Answered HTTP 410 Gone.", is_destination_broken=is_broken)
    note_delivery(tenant_id=row.tenant_id, destination_id=row.pk, verdict=verdict, now=now)
    return Destination.objects.for_tenant(row.tenant_id).get(pk=row.pk)


def test_a_broken_destination_is_told_once_and_its_recovery_too(acme: Tenant, told: list[Any]) -> None:
    row = create(acme)

    broken = note(row, State.FAILED, is_broken=True)
    note(row, State.FAILED, is_broken=True)
    mended = note(row, State.DELIVERED)
    note(row, State.DELIVERED)

    assert (broken.state, broken.state_reason) == (DestinationState.BROKEN, "Answered HTTP 410 Gone.")
    assert mended.state == DestinationState.OK
    change = DestinationChange(acme.pk, row.pk, "webhook", "Hook", "Answered HTTP 410 Gone.")
    assert told[0] == ("broken", change, LATER)
    assert [what for what, _, _ in told] == ["broken", "recovered"]


def test_a_listener_that_fails_is_logged_and_stops_nobody(
    acme: Tenant, told: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def fails(change: DestinationChange, now: datetime) -> None:
        raise RuntimeError("out of order")

    destinations._broken_listeners.insert(0, fails)
    row = note(create(acme), State.FAILED, is_broken=True)
    destinations._broken_listeners.remove(fails)

    assert row.state == DestinationState.BROKEN
    assert len(told) == 1
    assert "telling about a destination failed" in caplog.text


def test_a_later_failure_does_not_lift_broken(acme: Tenant) -> None:
    row = create(acme)
    note(row, State.FAILED, is_broken=True)

    assert note(row, State.FAILED).state == DestinationState.BROKEN
    assert note(row, State.UNKNOWN).state == DestinationState.BROKEN


def test_failing_keeps_the_time_since_when(acme: Tenant, told: list[Any]) -> None:
    row = create(acme)

    note(row, State.FAILED, now=NOW + timedelta(minutes=1))
    again = note(row, State.UNKNOWN, now=NOW + timedelta(minutes=2))

    assert (again.state, again.state_changed_at) == (DestinationState.FAILING, NOW + timedelta(minutes=1))
    assert told == []


def test_a_new_config_puts_a_broken_destination_back_to_work(acme: Tenant) -> None:
    row = create(acme)
    note(row, State.FAILED, is_broken=True)

    unchanged = update(row, name="Other", config={"secret": PLACEHOLDER})
    changed = update(row, config={"url": "https://example.com/new"})

    assert unchanged.state == DestinationState.BROKEN
    assert changed.state == DestinationState.OK


def test_the_end_of_a_delivery_to_a_deleted_destination_is_nobodys_matter(acme: Tenant, told: list[Any]) -> None:
    row = create(acme)
    delete_destination(tenant_id=acme.pk, destination_id=row.pk, actor=SYSTEM, now=NOW)

    note_delivery(
        tenant_id=acme.pk,
        destination_id=row.pk,
        verdict=Verdict(State.FAILED, "x", is_destination_broken=True),
        now=NOW,
    )

    assert told == []
