"""The event stream: what it finds, in which order, how far back, and what is new since the last look."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent
from outbox.selectors import stream
from outbox.selectors.stream import EventState, StreamFilter, first_id, moment_of, read_events, read_news, read_stream
from tests.pages.outbox_world import TOPIC, carried, dead, held, id_at, published, under_way, waiting

pytestmark = pytest.mark.django_db
ALL = StreamFilter()
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def one_of_each(tenant: Tenant) -> dict[EventState, uuid.UUID]:
    """Make one event in each place, the newest first in this order."""
    return {
        EventState.PENDING: waiting(tenant, ago(1)).pk,
        EventState.PROCESSING: under_way(tenant, ago(2), key="c-2").pk,
        EventState.HELD: held(tenant, ago(3), key="c-3")[0].pk,
        EventState.DEAD: dead(tenant, ago(4), key="c-4", topic="outcome.recorded").pk,
        EventState.PUBLISHED: published(tenant, ago(5), key="c-5"),
    }


def ids_of(tenant: Tenant, **wanted: Any) -> list[uuid.UUID]:
    return [event.id for event in read_stream(tenant.pk, wanted=StreamFilter(**wanted)).events]


def test_every_place_is_shown_newest_first(acme: Tenant) -> None:
    ids = one_of_each(acme)

    page = read_stream(acme.pk, wanted=ALL)

    assert [(event.state, event.id) for event in page.events] == list(ids.items())
    assert (page.next_id, page.looked_back_to) == (None, None)


def test_another_tenants_events_are_not_there(acme: Tenant, globex: Tenant) -> None:
    ids = one_of_each(acme)

    assert read_stream(globex.pk, wanted=ALL).events == []
    assert read_news(globex.pk, wanted=ALL, since=ago(60)) == ([], False)
    assert read_events(globex.pk, list(ids.values())) == {}


@pytest.mark.parametrize("state", EventState)
def test_a_state_keeps_its_own(state: EventState, acme: Tenant) -> None:
    ids = one_of_each(acme)

    assert ids_of(acme, state=state) == [ids[state]]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"topic": "outcome"}, [EventState.DEAD]),
        ({"topic": "outcome.recorded"}, [EventState.DEAD]),
        ({"topic": "recorded"}, []),
        ({"topic": "out%"}, []),
        ({"find": "c-3"}, [EventState.HELD]),
        ({"find": "c-"}, []),
        ({"find": "c-5", "state": EventState.DEAD}, []),
        ({"find": "c-5", "topic": TOPIC}, [EventState.PUBLISHED]),
    ],
)
def test_topic_key_and_state_narrow_it(wanted: dict[str, Any], found: list[EventState], acme: Tenant) -> None:
    ids = one_of_each(acme)

    assert ids_of(acme, **wanted) == [ids[state] for state in found]


@pytest.mark.parametrize("state", EventState)
def test_an_id_finds_its_event_wherever_it_stands(state: EventState, acme: Tenant) -> None:
    ids = one_of_each(acme)

    assert ids_of(acme, find=str(ids[state])) == [ids[state]]


def test_an_id_that_is_a_key_finds_the_events_of_that_key(acme: Tenant) -> None:
    customer = str(new_id())
    event = waiting(acme, NOW, key=customer)

    assert ids_of(acme, find=customer) == [event.pk]


def test_pages_go_on_where_the_last_one_ended_over_all_places(acme: Tenant) -> None:
    for number in reversed(range(12)):
        make = (waiting, dead, published)[number % 3]
        make(acme, ago(number * 10))

    seen: list[uuid.UUID] = []
    before = None
    for _ in range(4):
        page = read_stream(acme.pk, wanted=ALL, before=before, limit=5)
        seen, before = [*seen, *(event.id for event in page.events)], page.next_id
        if before is None:
            break

    assert len(seen) == 12
    assert seen == sorted(set(seen), reverse=True)


@pytest.mark.parametrize("make", [waiting, published])
def test_a_search_stops_at_its_bound_and_the_next_one_goes_on_there(
    make: Any, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "READ_FILTERED", 200)
    make(acme, ago(5_000), key="rare")
    for number in reversed(range(400)):
        make(acme, ago(number))
    rare = StreamFilter(find="rare")

    pages = [read_stream(acme.pk, wanted=rare)]
    while pages[-1].next_id is not None and len(pages) < 10:
        pages.append(read_stream(acme.pk, wanted=rare, before=pages[-1].next_id))

    assert pages[0].events == []
    assert pages[0].looked_back_to is not None
    assert pages[-1].looked_back_to is None
    assert [event.key for page in pages for event in page.events] == ["rare"]
    assert len(pages) <= 6


def test_a_retried_dead_letter_with_an_old_id_hides_nothing_from_a_search(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "READ_FILTERED", 200)
    for number in range(300, 0, -1):
        waiting(acme, ago(number), key="wanted" if number == 290 else "other")
    waiting(acme, ago(90_000), key="retried")

    found: list[str] = []
    before: uuid.UUID | None = None
    for _ in range(6):
        page = read_stream(acme.pk, wanted=StreamFilter(find="wanted"), before=before)
        found += [event.key for event in page.events]
        before = page.next_id
        if before is None:
            break

    assert found == ["wanted"]


def test_news_are_what_came_since_and_a_little_before(acme: Tenant) -> None:
    published(acme, ago(60))
    late = dead(acme, ago(12))
    new = waiting(acme, ago(1))

    news, has_more = read_news(acme.pk, wanted=ALL, since=ago(5))

    assert [event.id for event in news] == [new.pk, late.pk]
    assert not has_more


def test_news_keep_to_the_filter(acme: Tenant) -> None:
    ids = one_of_each(acme)

    for state in EventState:
        news, _ = read_news(acme.pk, wanted=StreamFilter(state=state), since=ago(8))
        assert [event.id for event in news] == [ids[state]]


def test_a_flood_is_cut_to_its_newest_and_says_so(acme: Tenant) -> None:
    for number in range(20):
        waiting(acme, ago(number * 0.1))

    news, has_more = read_news(acme.pk, wanted=ALL, since=ago(5), limit=10)
    calm, has_more_calm = read_news(acme.pk, wanted=ALL, since=NOW, limit=10)

    assert (len(news), has_more) == (10, True)
    # What there is more of was there at the last look.
    assert (len(calm), has_more_calm) == (10, False)


def test_events_are_read_where_they_stand_now(acme: Tenant) -> None:
    ids = one_of_each(acme)

    found = read_events(acme.pk, [*ids.values(), new_id()])

    assert {event.state: event.id for event in found.values()} == ids
    assert read_events(acme.pk, []) == {}


def test_how_long_it_took_counts_from_the_transaction(acme: Tenant) -> None:
    one_of_each(acme)

    took = {event.state: event.seconds_on_its_way for event in read_stream(acme.pk, wanted=ALL).events}

    assert took[EventState.PUBLISHED] == pytest.approx(0.012)
    assert took[EventState.PENDING] is None


@pytest.mark.parametrize("moment", [datetime(1970, 1, 1, tzinfo=UTC), NOW, datetime(2999, 1, 1, tzinfo=UTC)])
def test_an_id_is_a_moment(moment: datetime) -> None:
    assert moment_of(first_id(moment)) == moment
    assert first_id(moment) <= id_at(moment) < first_id(moment + timedelta(milliseconds=1))


def test_the_largest_id_is_no_moment_that_fails(acme: Tenant) -> None:
    one_of_each(acme)

    page = read_stream(acme.pk, wanted=ALL, before=uuid.UUID(int=2**128 - 1))

    assert len(page.events) == 5
    assert moment_of(uuid.UUID(int=2**128 - 1)).year > 9000


def test_each_read_is_one_statement(acme: Tenant, django_assert_num_queries: Any) -> None:
    one_of_each(acme)

    with django_assert_num_queries(3):
        read_stream(acme.pk, wanted=ALL)
        read_news(acme.pk, wanted=ALL, since=timezone.now())
        read_events(acme.pk, [new_id()])


def test_a_backlog_of_others_is_not_in_the_way(acme: Tenant, globex: Tenant) -> None:
    mine = waiting(acme, ago(100))
    OutboxEvent.objects.bulk_create(OutboxEvent(**carried(globex, ago(1), id=new_id())) for _ in range(1_000))

    assert [event.id for event in read_stream(acme.pk, wanted=ALL).events] == [mine.pk]
    assert [event.id for event in read_stream(acme.pk, wanted=ALL, before=id_at(ago(50))).events] == [mine.pk]
