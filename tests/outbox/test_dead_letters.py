"""Retrying and purging dead letters: once each, in order, told, audited, and rehearsed without a trace."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import BadRequest, NotFound
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from outbox.decisions.dead_letters import DeadSelection, DepthAlert, depth_alert
from outbox.models import DeadCount, DeadLetter, OutboxEvent
from outbox.selectors.dead_letters import (
    count_by_reason,
    dead_depth,
    dead_letters_page,
    depth_by_slug,
    depth_by_tenant,
    find_dead_letter,
    list_dead_letters,
)
from outbox.services import (
    MOST_IDS,
    dead_letters,
    purge_dead_letters,
    retry_dead_letters,
    tell_dead,
    tell_recovered,
)
from outbox.services.enqueueing import BELL, DOOR_LOCK
from tests.chaos.processes import test_database_url as database_url
from tests.chaos.processes import wait_until
from tests.outbox.line import NOW, TOPIC, ago, dead, held, line, published, waiting
from tests.people import make_tenant
from tests.platform.together import run_together

BOTH = pytest.mark.parametrize("service", [retry_dead_letters, purge_dead_letters])
WAITS_FOR_A_LOCK = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""
MANY = 5 * dead_letters.BATCH
ON_ITS_OWN = pytest.mark.django_db(transaction=True)


def retry(tenant: Tenant, **choice: Any) -> int:
    """Retry and return how many."""
    return retry_dead_letters(tenant=tenant, actor=SYSTEM, now=NOW, **choice).count


def purge(tenant: Tenant, **choice: Any) -> int:
    """Purge and return how many."""
    return purge_dead_letters(tenant=tenant, actor=SYSTEM, now=NOW, **choice).count


def entries_of(tenant: Tenant) -> list[dict[str, Any]]:
    """Return what the tenant's audit entries say was done, the first one first."""
    return [entry.after or {} for entry in AuditEntry.objects.for_tenant(tenant).order_by("sequence")]


def left(tenant: Tenant) -> list[uuid.UUID]:
    """Return the ids of the dead letters that are left, in the order of the line."""
    return list(DeadLetter.objects.for_tenant(tenant).order_by("seq").values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("depth", "alert"),
    [
        (0, DepthAlert.OK), (10, DepthAlert.OK), (11, DepthAlert.WARNING), (100, DepthAlert.WARNING),
        (101, DepthAlert.CRITICAL), (10**9, DepthAlert.CRITICAL),
    ],
)  # fmt: skip
def test_a_depth_is_as_bad_as_documented(depth: int, alert: DepthAlert) -> None:
    assert depth_alert(depth) is alert


# --- retry


def test_a_retried_event_is_the_same_event_at_the_end_of_the_line(acme: Tenant) -> None:
    letter = dead(acme, payload={"customerId": "ann", "ü": [1, 2.5, None]}, retry_count=10)
    before = waiting(acme, "bob")

    count = retry(acme, event_ids=[letter.pk])

    first, second = line(acme)
    assert (count, first.pk, second.pk) == (1, before.pk, letter.pk)
    assert (second.topic, second.key, second.payload, second.occurred_at) == (
        letter.topic, letter.key, letter.payload, letter.occurred_at,
    )  # fmt: skip
    assert (second.attempts, second.status, second.is_held, second.last_error, second.error_id) == (
        0, "pending", False, "", None,
    )  # fmt: skip
    assert second.seq > letter.seq
    assert left(acme) == []


def test_the_payload_goes_back_to_the_letter(acme: Tenant) -> None:
    text = '{"b":1,  "a":1.10, "b":2}'
    letter = dead(acme)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_dead_letters SET payload = %s", [text])

    retry(acme, event_ids=[letter.pk])

    with connection.cursor() as cursor:
        cursor.execute("SELECT payload::text FROM outbox_events")
        assert cursor.fetchone()[0] == text


def test_events_of_a_key_come_back_in_their_order_whenever_they_died(acme: Tenant) -> None:
    letters = [dead(acme, key, failed_at=ago(minutes=age)) for key, age in (("a", 1), ("b", 9), ("a", 5), ("a", 3))]

    retry(acme, event_ids=[letter.pk for letter in reversed(letters)])

    assert [event.pk for event in line(acme)] == [letter.pk for letter in letters]


def test_the_order_holds_over_batches(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "BATCH", 3)
    letters = [dead(acme, f"key-{number % 2}") for number in range(10)]

    count = retry(acme, everything=True)

    assert count == 10
    assert [event.pk for event in line(acme)] == [letter.pk for letter in letters]


@pytest.mark.parametrize("total", [0, 1, 2, 3, 4, 6])
def test_every_number_is_done_whatever_the_batch(acme: Tenant, monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    monkeypatch.setattr(dead_letters, "BATCH", 2)
    for _ in range(total):
        dead(acme)

    assert (purge(acme, everything=True), left(acme)) == (total, [])


def test_a_topic_is_retried_alone(acme: Tenant) -> None:
    other = dead(acme, topic="outcome.recorded")
    dead(acme)
    dead(acme)

    assert (retry(acme, topic=TOPIC), left(acme)) == (2, [other.pk])


def test_ids_and_topic_together_must_both_hold(acme: Tenant) -> None:
    chosen, other = dead(acme), dead(acme, topic="outcome.recorded")
    rest = dead(acme)

    assert (retry(acme, event_ids=[chosen.pk, other.pk], topic=TOPIC), left(acme)) == (1, [other.pk, rest.pk])


def test_all_of_one_tenant_is_nothing_of_another(acme: Tenant, globex: Tenant) -> None:
    dead(acme)
    kept = dead(globex)

    assert (retry(acme, everything=True), left(globex), line(globex)) == (1, [kept.pk], [])


def test_an_event_that_waits_already_is_not_sent_twice(acme: Tenant) -> None:
    event_id = new_id()
    dead(acme, pk=event_id)
    waiting(acme, id=event_id)

    retry(acme, event_ids=[event_id])

    assert ([event.pk for event in line(acme)], left(acme)) == ([event_id], [])


def test_an_event_that_dies_while_the_others_are_retried_waits_for_the_next_call(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(acme)
    until = dead_letters._last_seq(DeadSelection(acme.pk))
    later = dead(acme)
    monkeypatch.setattr(dead_letters, "_last_seq", lambda selection: until)

    assert (retry(acme, everything=True), left(acme)) == (1, [later.pk])


# --- which


@BOTH
@pytest.mark.parametrize("choice", [{}, {"event_ids": []}, {"topic": ""}, {"everything": True, "topic": TOPIC}])
def test_nothing_chosen_is_refused_with_what_to_give(acme: Tenant, service: Any, choice: dict[str, Any]) -> None:
    letter = dead(acme)

    with pytest.raises(BadRequest, match="eventIds or topic") as refused:
        service(tenant=acme, actor=SYSTEM, now=NOW, **choice)

    assert list(refused.value.fields) == ["eventIds", "topic", "all"]
    assert left(acme) == [letter.pk]


@BOTH
def test_another_tenants_id_is_not_there_and_nothing_is_changed(acme: Tenant, globex: Tenant, service: Any) -> None:
    mine, theirs = dead(acme), dead(globex)

    with pytest.raises(NotFound, match=str(theirs.pk)):
        service(tenant=acme, event_ids=[mine.pk, theirs.pk], actor=SYSTEM, now=NOW)

    assert (left(acme), left(globex)) == ([mine.pk], [theirs.pk])


@BOTH
def test_many_unknown_ids_are_named_in_short(acme: Tenant, service: Any) -> None:
    with pytest.raises(NotFound, match="and 3 more") as refused:
        service(tenant=acme, event_ids=[new_id() for _ in range(8)], actor=SYSTEM, now=NOW)

    assert len(refused.value.message) < 400


def test_an_id_that_somebody_else_retried_is_known_and_not_counted(acme: Tenant) -> None:
    first, second, gone = dead(acme), dead(acme), dead(acme)
    ids = [first.pk, second.pk, gone.pk]
    retry(acme, event_ids=[first.pk])
    published(acme, id=gone.pk)
    gone.delete()

    assert (retry(acme, event_ids=ids), len(line(acme))) == (1, 2)
    assert retry(acme, event_ids=ids) == 0


def test_an_id_given_twice_counts_once(acme: Tenant) -> None:
    letter = dead(acme)

    assert retry(acme, event_ids=[letter.pk, letter.pk]) == 1


def test_more_ids_than_the_limit_are_refused(acme: Tenant) -> None:
    with pytest.raises(BadRequest, match="10,000"):
        retry(acme, event_ids=[new_id() for _ in range(MOST_IDS + 1)])


# --- two callers


@ON_ITS_OWN
@pytest.mark.parametrize("by", ["ids", "topic", "everything"])
def test_two_callers_at_once_retry_each_event_once(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setattr(dead_letters, "BATCH", 7)
    tenant = make_tenant("Acme")
    letters = [dead(tenant, f"key-{number % 3}") for number in range(60)]
    choices: dict[str, dict[str, Any]] = {
        "ids": {"event_ids": [letter.pk for letter in letters]}, "topic": {"topic": TOPIC},
        "everything": {"everything": True},
    }  # fmt: skip
    counts: list[int] = []

    run_together(*[lambda: counts.append(retry(tenant, **choices[by]))] * 3)

    assert sum(counts) == 60
    assert [event.pk for event in line(tenant)] == [letter.pk for letter in letters]
    written = [entry["count"] for entry in entries_of(tenant)]
    assert (sum(written), max(written)) == (60, 7)


@ON_ITS_OWN
def test_a_retry_and_a_purge_at_once_share_the_events() -> None:
    tenant = make_tenant("Acme")
    for _ in range(40):
        dead(tenant)
    counts: Counter[str] = Counter()

    run_together(
        lambda: counts.update(retried=retry(tenant, everything=True)),
        lambda: counts.update(purged=purge(tenant, everything=True)),
    )

    assert counts.total() == 40
    assert (len(line(tenant)), left(tenant)) == (counts["retried"], [])


@contextmanager
def refused(key: str) -> Iterator[None]:
    """Have the database refuse events of a key for the length of a block."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON outbox_events FOR EACH ROW"
            f" WHEN (NEW.key = '{key}') EXECUTE FUNCTION refuse()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER refuse ON outbox_events; DROP FUNCTION refuse()")


@ON_ITS_OWN
def test_a_batch_that_fails_loses_nothing() -> None:
    tenant = make_tenant("Acme")
    letters = [dead(tenant, f"key-{number}") for number in range(5)]
    with refused("key-3"), pytest.raises(DatabaseError, match="boom"):
        retry(tenant, everything=True)

    assert (left(tenant), line(tenant)) == ([letter.pk for letter in letters], [])
    assert not AuditEntry.objects.for_tenant(tenant).exists()


@ON_ITS_OWN
def test_a_purge_and_a_burial_of_the_same_topics_do_not_deadlock() -> None:
    tenant = make_tenant("Acme")
    # The counts lie in this order; burials take them in the order of their names.
    dead(tenant, topic="b.topic")
    dead(tenant, topic="a.topic")
    counts: list[int] = []
    with psycopg.connect(database_url()) as tier, psycopg.connect(database_url(), autocommit=True) as watcher:

        def go_on() -> None:
            wait_until(lambda: watcher.execute(WAITS_FOR_A_LOCK).fetchone() == (1,))
            bury(tier, tenant, "b.topic")
            tier.commit()

        bury(tier, tenant, "a.topic")
        run_together(lambda: counts.append(purge(tenant, everything=True)), go_on)

    assert counts == [2]
    assert dead_depth(tenant.pk).by_topic == {"a.topic": 1, "b.topic": 1}


def bury(tier: "psycopg.Connection[Any]", tenant: Tenant, topic: str) -> None:
    """Write a dead letter as a publisher does, without a commit."""
    tier.execute(
        "INSERT INTO outbox_dead_letters (id, tenant_id, topic, key, payload, occurred_at, reason, error, retry_count,"
        " failed_at) VALUES (%s, %s, %s, 'ann', '{}', now(), 'permanent', '', 1, now())", [new_id(), tenant.pk, topic],
    )  # fmt: skip


@ON_ITS_OWN
def test_a_sleeping_publisher_is_woken() -> None:
    tenant = make_tenant("Acme")
    dead(tenant)
    with psycopg.connect(database_url(), autocommit=True) as sleeper:
        sleeper.execute(f"LISTEN {BELL}")
        sleeper.execute("SELECT pg_advisory_lock(%s)", [DOOR_LOCK])

        retry(tenant, everything=True)

        assert len(list(sleeper.notifies(timeout=5, stop_after=1))) == 1


# --- many


@pytest.fixture
def many(acme: Tenant) -> Tenant:
    """Write dead letters of five batches and let PostgreSQL know what they look like."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_dead_letters (id, tenant_id, topic, key, payload, occurred_at, reason, error,"
            " retry_count, failed_at) SELECT gen_random_uuid(), %s, 'topic-' || g %% 2, 'customer-' || g %% 500, '{}',"
            " now(), 'permanent', 'Refused.', 3, now() - g * interval '1 second' FROM generate_series(1, %s) AS g",
            [acme.pk, MANY],
        )
        cursor.execute("ANALYZE outbox_dead_letters")
    return acme


def test_many_go_back_in_their_order_batch_by_batch(many: Tenant) -> None:
    before = list(DeadLetter.objects.for_tenant(many).order_by("seq").values_list("pk", flat=True))

    rehearsed = retry_dead_letters(tenant=many, everything=True, actor=SYSTEM, now=NOW, dry_run=True)
    count = retry(many, everything=True)

    assert count == rehearsed.count == MANY
    assert list(OutboxEvent.objects.for_tenant(many).order_by("seq").values_list("pk", flat=True)) == before
    assert (left(many), dead_depth(many.pk).total) == ([], 0)
    assert AuditEntry.objects.for_tenant(many).count() == MANY // dead_letters.BATCH


@pytest.mark.parametrize("topic", [None, "topic-1"])
def test_a_batch_reads_no_more_than_it_takes_however_many_there_are(many: Tenant, topic: str | None) -> None:
    parameters = {"tenant": many.pk, "ids": None, "topic": topic, "after": 0, "until": 2**62, "limit": 100}

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (COSTS OFF) {dead_letters._PURGE}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Index Scan using outbox_dead_line" in plan
    assert "Tid Scan on outbox_dead_letters" in plan
    assert "Seq Scan" not in plan


# --- what is written down, and who is told


@BOTH
def test_a_batch_is_an_audit_entry(acme: Tenant, service: Any) -> None:
    for topic in (TOPIC, TOPIC, "outcome.recorded"):
        dead(acme, topic=topic)

    service(tenant=acme, everything=True, actor=SYSTEM, now=NOW)

    (entry,) = AuditEntry.objects.for_tenant(acme)
    action = "retry" if service is retry_dead_letters else "purge"
    assert (entry.action, entry.entity_type, entry.entity_id) == (action, "dead_letters", "all")
    assert entry.entity_name == "3 dead letters"
    assert entry.after == {"count": 3, "byTopic": {TOPIC: 2, "outcome.recorded": 1}, "eventIds": []}


def test_the_entries_of_a_call_name_each_event_that_went_once(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "BATCH", 2)
    letters = [dead(acme) for _ in range(5)]

    purge(acme, event_ids=[letter.pk for letter in letters])

    entries = entries_of(acme)
    assert [entry["count"] for entry in entries] == [2, 2, 1]
    named = [event_id for entry in entries for event_id in entry["eventIds"]]
    assert sorted(named) == sorted(str(letter.pk) for letter in letters)
    assert AuditEntry.objects.for_tenant(acme).latest("sequence").entity_name == "1 dead letter"


@ON_ITS_OWN
def test_a_call_that_is_cut_off_has_written_down_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "BATCH", 2)
    tenant = make_tenant("Acme")
    letters = [dead(tenant, f"key-{number}") for number in range(5)]
    tell_dead(tenant_id=tenant.pk, topic=TOPIC, count=5, reason_text="Refused.", now=NOW)

    with refused("key-3"), pytest.raises(DatabaseError, match="boom"):
        retry(tenant, everything=True)

    assert [entry["count"] for entry in entries_of(tenant)] == [2]
    assert ([event.pk for event in line(tenant)], left(tenant)) == (
        [letter.pk for letter in letters[:2]], [letter.pk for letter in letters[2:]],
    )  # fmt: skip
    assert SystemHealthAlert.objects.for_tenant(tenant).filter(resolved_at=None).exists()
    assert retry(tenant, everything=True) == 3


@pytest.mark.parametrize("chosen", ["one", "two", "topic"])
def test_the_entry_says_what_was_chosen(acme: Tenant, chosen: str) -> None:
    letters = [dead(acme), dead(acme)]
    choices: dict[str, dict[str, Any]] = {
        "one": {"event_ids": [letters[0].pk]}, "two": {"event_ids": [letter.pk for letter in letters]},
        "topic": {"topic": TOPIC},
    }  # fmt: skip

    retry(acme, **choices[chosen])

    (entry,) = AuditEntry.objects.for_tenant(acme)
    assert entry.entity_id == {"one": str(letters[0].pk), "two": "selection", "topic": TOPIC}[chosen]


def test_a_call_that_found_nothing_leaves_no_entry(acme: Tenant) -> None:
    assert (purge(acme, everything=True), retry(acme, topic="none.such")) == (0, 0)
    assert not AuditEntry.objects.for_tenant(acme).exists()


@BOTH
def test_the_alert_of_a_topic_is_resolved_once_none_of_it_is_left(acme: Tenant, service: Any) -> None:
    first, second = dead(acme), dead(acme)
    other = dead(acme, topic="outcome.recorded")
    for topic in (TOPIC, other.topic):
        tell_dead(tenant_id=acme.pk, topic=topic, count=1, reason_text="Refused.", now=NOW)

    def open_alerts() -> set[str | None]:
        rows = SystemHealthAlert.objects.for_tenant(acme).filter(resolved_at=None)
        return set(rows.values_list("dedupe_key", flat=True))

    service(tenant=acme, event_ids=[first.pk], actor=SYSTEM, now=NOW)
    half = open_alerts()
    service(tenant=acme, event_ids=[second.pk], actor=SYSTEM, now=NOW)

    assert half == {f"outbox-dead:{TOPIC}", "outbox-dead:outcome.recorded"}
    assert open_alerts() == {"outbox-dead:outcome.recorded"}


def test_dead_letters_of_a_topic_are_one_alert_however_many(acme: Tenant) -> None:
    for count in (1, 1_234):
        tell_dead(tenant_id=acme.pk, topic=TOPIC, count=count, reason_text="The broker refused it.", now=NOW)

    (alert,) = SystemHealthAlert.objects.for_tenant(acme)
    assert (alert.severity, alert.source, alert.occurrences, alert.link) == ("error", "outbox", 2, "/settings/outbox")
    assert alert.title == f"Dead letters: {TOPIC}"
    assert alert.message.startswith("1,234 events could not be published: The broker refused it.")
    assert alert.metadata == {"topic": TOPIC, "count": 1_234}


def test_a_recovery_is_told_once(acme: Tenant, globex: Tenant) -> None:
    tell_dead(tenant_id=acme.pk, topic=TOPIC, count=1, reason_text="Refused.", now=NOW)

    found = [tell_recovered(tenant_id=tenant.pk, topics=[TOPIC], now=NOW) for tenant in (globex, acme, acme)]

    assert found == [0, 1, 0]


# --- rehearsal


@BOTH
def test_a_rehearsal_changes_nothing(acme: Tenant, service: Any) -> None:
    letters = [dead(acme), dead(acme)]
    tell_dead(tenant_id=acme.pk, topic=TOPIC, count=2, reason_text="Refused.", now=NOW)

    outcome = service(tenant=acme, everything=True, actor=SYSTEM, now=NOW, dry_run=True)

    assert outcome.count == outcome.plan.total == 2
    assert (left(acme), line(acme)) == ([letter.pk for letter in letters], [])
    assert not AuditEntry.objects.for_tenant(acme).exists()
    assert SystemHealthAlert.objects.for_tenant(acme).filter(resolved_at=None).exists()


@BOTH
def test_a_rehearsal_refuses_what_the_deed_would(acme: Tenant, service: Any) -> None:
    with pytest.raises(BadRequest):
        service(tenant=acme, actor=SYSTEM, now=NOW, dry_run=True)
    with pytest.raises(NotFound):
        service(tenant=acme, event_ids=[new_id()], actor=SYSTEM, now=NOW, dry_run=True)


def rehearse(tenant: Tenant, **choice: Any) -> Any:
    """Return the plan of a retry."""
    choice = choice or {"everything": True}
    return retry_dead_letters(tenant=tenant, actor=SYSTEM, now=NOW, dry_run=True, **choice).plan


def test_a_rehearsal_counts_by_topic_and_reason_and_names_the_span(acme: Tenant, globex: Tenant) -> None:
    dead(acme, failed_at=ago(hours=3))
    dead(acme, reason="exhausted", failed_at=ago(hours=2))
    dead(acme, topic="outcome.recorded", failed_at=ago(hours=1))
    dead(globex, failed_at=ago(hours=9))

    plan = rehearse(acme)

    assert (plan.by_topic, plan.by_reason) == (
        {TOPIC: 2, "outcome.recorded": 1}, {"permanent": 2, "exhausted": 1},
    )  # fmt: skip
    assert (plan.oldest_failed_at, plan.newest_failed_at) == (ago(hours=3), ago(hours=1))
    assert (plan.superseded, plan.held, plan.keys_checked) == ([], [], 1)


def test_a_rehearsal_of_nothing_is_empty(acme: Tenant) -> None:
    plan = rehearse(acme)

    assert (plan.total, plan.by_topic, plan.by_reason) == (0, {}, {})
    assert (plan.oldest_failed_at, plan.newest_failed_at, plan.history_since) == (None, None, None)


def test_a_rehearsal_warns_of_keys_with_later_events_published_since(acme: Tenant, globex: Tenant) -> None:
    dead(acme, "ann", failed_at=ago(minutes=30))
    dead(acme, "ann", failed_at=ago(minutes=20))
    dead(acme, "bob", failed_at=ago(minutes=10))
    published(acme, "ann", at=ago(minutes=40))
    published(acme, "ann", at=ago(minutes=25))
    published(acme, "ann", at=ago(minutes=15))
    published(acme, "bob", at=ago(minutes=11))
    published(globex, "bob", at=ago(minutes=1))

    plan = rehearse(acme)

    (warning,) = plan.superseded
    assert (warning.key, warning.dead, warning.published_since, warning.last_published_at) == (
        "ann", 2, 2, ago(minutes=15),
    )  # fmt: skip
    assert plan.history_since == ago(minutes=40)


def test_a_rehearsal_warns_of_keys_that_are_held_now(acme: Tenant, globex: Tenant) -> None:
    dead(acme, "ann")
    dead(acme, "bob")
    held(acme, "bob", next_attempt_at=NOW)
    held(globex, "ann", next_attempt_at=NOW)

    assert [(each.key, each.dead) for each in rehearse(acme).held] == [("bob", 1)]


def test_a_rehearsal_looks_at_what_was_chosen_alone(acme: Tenant) -> None:
    chosen = dead(acme, "ann")
    dead(acme, "bob")
    held(acme, "bob", next_attempt_at=NOW)

    plan = rehearse(acme, event_ids=[chosen.pk])

    assert (plan.total, plan.held) == (1, [])


# --- questions


def test_the_depth_is_kept_by_the_database(acme: Tenant, globex: Tenant) -> None:
    for topic in (TOPIC, "outcome.recorded", "outcome.recorded"):
        dead(acme, topic=topic)
    dead(globex).delete()

    depth = dead_depth(acme.pk)

    assert (depth.total, list(depth.by_topic.items())) == (3, [("outcome.recorded", 2), (TOPIC, 1)])
    assert depth.alert is DepthAlert.OK
    assert (dead_depth(globex.pk).total, dead_depth(globex.pk).by_topic) == (0, {})
    assert depth_by_tenant([acme.pk, globex.pk]) == {acme.pk: 3, globex.pk: 0}
    assert depth_by_slug() == [("acme", 3), ("globex", 0)]
    assert DeadCount.objects.for_tenant(acme).count() == 2


def test_dead_letters_are_listed_newest_first_and_narrowed(acme: Tenant, globex: Tenant) -> None:
    old = dead(acme, "ann", failed_at=ago(hours=2))
    new = dead(acme, "bob", failed_at=ago(hours=1), reason="exhausted", topic="outcome.recorded")
    dead(globex)

    assert [row.pk for row in list_dead_letters(acme.pk)] == [new.pk, old.pk]
    assert [row.pk for row in list_dead_letters(acme.pk, topic=TOPIC)] == [old.pk]
    assert [row.pk for row in list_dead_letters(acme.pk, reason="exhausted")] == [new.pk]
    assert [row.pk for row in list_dead_letters(acme.pk, key="ann")] == [old.pk]
    assert [row.pk for row in list_dead_letters(acme.pk, limit=1)] == [new.pk]
    assert count_by_reason(acme.pk) == {"exhausted": 1, "permanent": 1}


def test_pages_of_dead_letters_follow_each_other(acme: Tenant) -> None:
    letters = [dead(acme, failed_at=ago(minutes=number)) for number in range(5)]

    first = dead_letters_page(acme.pk, limit=3)
    second = dead_letters_page(acme.pk, limit=3, after=first.next_key)

    assert [row.pk for row in [*first.rows, *second.rows]] == [letter.pk for letter in letters]
    assert second.next_key == ""


@pytest.mark.parametrize("text", ["", "nonsense", "0192f0c1-7e5a-7cc0-8a55-0123456789ab"])
def test_a_dead_letter_is_found_by_its_id_by_its_own_tenant(acme: Tenant, globex: Tenant, text: str) -> None:
    letter = dead(acme)

    assert find_dead_letter(acme.pk, str(letter.pk)) == letter
    assert find_dead_letter(globex.pk, str(letter.pk)) is None
    assert find_dead_letter(acme.pk, text) is None


def test_no_event_is_in_two_places_after_all_this(acme: Tenant) -> None:
    letters = [dead(acme) for _ in range(3)]

    retry(acme, event_ids=[letters[0].pk])
    purge(acme, event_ids=[letters[1].pk])

    events = set(OutboxEvent.objects.for_tenant(acme).values_list("pk", flat=True))
    assert (events, set(left(acme))) == ({letters[0].pk}, {letters[2].pk})
