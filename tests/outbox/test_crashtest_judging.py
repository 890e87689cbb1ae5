"""The judge of the crash test: what it calls lost, duplicated, out of order and stuck, and what it excuses."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest

from outbox.crashtest.judging import NO_KILL, Delivered, Kill, Verdict, Written, judge
from outbox.crashtest.places import TARGETS, Place, Step, Target, place_of_death
from outbox.crashtest.report import as_json, as_table
from outbox.crashtest.running import Findings, Options
from outbox.crashtest.victims import Pace


def wrote(*names: str) -> dict[str, Written]:
    """Return events named by key and number: `a1` is the first of key `a`."""
    return {name: Written(name[0], int(name[1:]), {"number": int(name[1:])}) for name in names}


def came(name: str, **changes: Any) -> Delivered:
    """Return a delivery of such an event as it was written."""
    payload = {"number": int(name[1:])}
    return replace_fields(Delivered(name, name[0], payload, json.dumps(payload)), **changes)


def replace_fields(event: Delivered, **changes: Any) -> Delivered:
    return event._replace(**changes)


def killed(*names: str, at: Place = Place.PUBLISHED) -> Kill:
    """Return a kill of a publisher that held these events."""
    return Kill(at, frozenset(names))


def judged(
    written: str, delivered: str, kills: Sequence[Kill] = (), *, left: Collection[str] = (), excused: int = 0
) -> Verdict:
    """Judge events and deliveries named in words."""
    return judge(
        written=wrote(*written.split()), doubtful=(), delivered=map(came, delivered.split()), kills=kills, left=left,
        excused=excused,
    )  # fmt: skip


CLEAN = [
    ("nothing at all", "", "", []),
    ("each once in its order", "a1 a2 b1", "a1 b1 a2", []),
    ("of two keys each in its own order", "a1 a2 b1 b2", "b1 a1 b2 a2", []),
    ("once more after a kill", "a1 a2", "a1 a2 a1 a2", [killed("a1", "a2")]),
    ("the second half once more", "a1 a2 a3", "a1 a2 a3 a2 a3", [killed("a2", "a3")]),
    ("three times after two kills", "a1", "a1 a1 a1", [killed("a1"), killed("a1")]),
    ("a part of a batch before the kill", "a1 a2 a3", "a1 a1 a2 a3", [killed("a1", "a2", "a3")]),
    ("held at a kill and sent only afterwards", "a1 a2", "a1 a2", [killed("a1", "a2", at=Place.CLAIMED)]),
]


@pytest.mark.parametrize(("written", "delivered", "kills"), [row[1:] for row in CLEAN], ids=[row[0] for row in CLEAN])
def test_what_is_promised_passes(written: str, delivered: str, kills: list[Kill]) -> None:
    assert judged(written, delivered, kills).is_clean


# Written, delivered, kills, rows left; then lost, out of order, stuck and unexplained.
FAULTS = [
    ("never came", "a1 a2", "a1", [], (), (1, 0, 0, 0)),
    ("never came after a kill", "a1", "", [killed("a1")], (), (1, 0, 0, 0)),
    ("still has its row", "a1 a2", "a1", [], ("a2",), (0, 0, 1, 0)),
    ("came and still has its row", "a1", "a1", [], ("a1",), (0, 0, 1, 0)),
    ("twice without a kill", "a1", "a1 a1", [], (), (0, 0, 0, 1)),
    ("twice after the kill of another", "a1 b1", "a1 b1 a1", [killed("b1")], (), (0, 0, 0, 1)),
    ("three times after one kill", "a1", "a1 a1 a1", [killed("a1")], (), (0, 0, 0, 1)),
    ("the second before the first", "a1 a2", "a2 a1", [], (), (0, 1, 0, 0)),
    ("the last before two others", "a1 a2 a3", "a3 a1 a2", [], (), (0, 2, 0, 0)),
    ("swapped within the batch of a kill", "a1 a2", "a2 a1", [killed("a1", "a2")], (), (0, 1, 0, 0)),
    ("again behind a later one of no kill", "a1 a2", "a1 a2 a1", [killed("a1")], (), (0, 1, 0, 0)),
    ("again behind a later one of another kill", "a1 a2", "a1 a2 a1", [killed("a1"), killed("a2")], (), (0, 1, 0, 0)),
]


@pytest.mark.parametrize(
    ("written", "delivered", "kills", "left", "expected"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_each_broken_promise_is_found_by_its_name(
    written: str, delivered: str, kills: list[Kill], left: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    verdict = judged(written, delivered, kills, left=left)

    total = verdict.total
    assert (total.lost, total.out_of_order, total.stuck, verdict.unexplained) == expected
    assert not verdict.is_clean


ALTERED = [
    ("another payload", [came("a1", payload={"number": 7})], []),
    ("another key", [came("a1", key="b")], []),
    ("other content the second time", [came("a1"), came("a1", content="{}")], [killed("a1")]),
]


@pytest.mark.parametrize(("delivered", "kills"), [row[1:] for row in ALTERED], ids=[row[0] for row in ALTERED])
def test_content_that_is_not_as_it_was_written_is_a_fault(delivered: list[Delivered], kills: list[Kill]) -> None:
    verdict = judge(written=wrote("a1"), doubtful=(), delivered=delivered, kills=kills, left=())

    assert (verdict.altered, verdict.is_clean) == (1, False)


def test_a_duplicate_under_a_fresh_id_is_a_fault_even_after_a_kill() -> None:
    twice = [came("a1"), came("a1", event_id="fresh")]

    verdict = judge(written=wrote("a1"), doubtful=(), delivered=twice, kills=[killed("a1")], left=())

    assert (verdict.phantoms, verdict.is_clean) == (1, False)


def test_an_event_of_a_transaction_that_was_rolled_back_is_a_fault() -> None:
    verdict = judge(written=wrote("a1"), doubtful=(), delivered=[came("a1"), came("a2")], kills=[], left=())

    assert (verdict.phantoms, verdict.is_clean) == (1, False)


@pytest.mark.parametrize("delivered", [[], [came("a1")]])
def test_an_event_whose_commit_was_not_answered_may_be_there_or_not(delivered: list[Delivered]) -> None:
    verdict = judge(written={}, doubtful={"a1"}, delivered=delivered, kills=[], left=())

    assert verdict.is_clean


def test_a_lease_that_ended_excuses_as_many_repetitions_and_no_more() -> None:
    assert judged("a1 b1", "a1 b1 a1 b1", excused=2).is_clean
    assert judged("a1 b1", "a1 b1 a1 b1", excused=1).unexplained == 1


def test_a_lease_that_ended_excuses_no_loss_and_no_disorder() -> None:
    assert not judged("a1 a2", "a2 a1", excused=9).is_clean
    assert not judged("a1", "", excused=9).is_clean


def test_an_event_is_counted_where_it_was_in_flight_last() -> None:
    verdict = judged(
        "a1 a2 b1", "a1 a1 b1", [killed("a1", at=Place.PUBLISHED), killed("a1", "a2", at=Place.CLAIMED)]
    )  # fmt: skip

    rows = {row.name: (row.kills, row.events, row.published, row.lost, row.duplicated) for row in verdict.rows}
    assert rows[Place.PUBLISHED] == (1, 0, 0, 0, 0)
    assert rows[Place.CLAIMED] == (1, 2, 1, 1, 1)
    assert rows[NO_KILL] == (0, 1, 1, 0, 0)


# --- Where a publisher died


def test_every_boundary_has_its_target_and_every_place_too() -> None:
    held = {target.step for target in TARGETS if target.is_held}

    assert held == {Step.CLAIMED, Step.PUBLISHED, Step.SETTLING, Step.SETTLED}
    assert {target.place for target in TARGETS} == set(Place)


@pytest.mark.parametrize("target", [target for target in TARGETS if target.is_held], ids=lambda target: target.place)
def test_one_that_was_held_died_there(target: Target) -> None:
    assert place_of_death(target, target.step) == target.place


DEATHS = [
    (Place.IN_CLAIM, Step.SETTLED, Place.IN_CLAIM), (Place.IN_CLAIM, Step.CLAIMED, Place.CLAIMED),
    (Place.IN_PUBLISH, Step.PUBLISHING, Place.IN_PUBLISH), (Place.IN_PUBLISH, Step.PUBLISHED, Place.PUBLISHED),
    (Place.IN_COMMIT, Step.SETTLING, Place.IN_COMMIT), (Place.IN_COMMIT, Step.SETTLED, Place.IN_CLAIM),
    (Place.IN_DRAIN, Step.SETTLED, Place.IN_DRAIN), (Place.CLAIMED, Step.SETTLED, Place.IN_CLAIM),
]  # fmt: skip


@pytest.mark.parametrize(("aim", "last", "expected"), DEATHS)
def test_one_that_was_too_quick_is_counted_where_it_was_hit(aim: Place, last: Step, expected: Place) -> None:
    (target,) = [target for target in TARGETS if target.place is aim]

    assert place_of_death(target, last) == expected


def test_a_shot_falls_before_the_next_step_is_due() -> None:
    pace = Pace(lease_seconds=3)
    for seconds in (0.01, 0.02, 5.0):
        pace.note(Step.PUBLISHING, seconds)

    assert all(0 <= pace.moment_after(Step.PUBLISHING) <= 0.02 for _ in range(200))


# --- What is printed


def findings(verdict: Verdict, **changes: Any) -> Findings:
    return replace(Findings(verdict, Options(rounds=1, events=2), "log", written=2, seconds=1.0), **changes)


GOOD = judged("a1 a2", "a1 a2 a2", [killed("a2")])
UNCLEAN: list[dict[str, Any]] = [
    {"verdict": judged("a1 a2", "a1", [killed("a2")])}, {"verdict": judged("a1 a2", "a2 a1", [killed("b1")])},
    {"verdict": judged("a1 a2", "a1", [killed("b1")], left=["a2"])}, {"verdict": judged("a1", "a1 a1", [killed("b1")])},
    {"ended_alone": [3]}, {"written": 1}, {"verdict": judged("a1 a2", "a1 a2")},
]  # fmt: skip


def test_a_run_that_kept_its_word_is_clean_and_says_so() -> None:
    found = findings(GOOD)

    assert found.is_clean
    assert as_json(found)["clean"] is True
    assert as_table(found).endswith("Nothing was lost, out of order or stuck.")


@pytest.mark.parametrize("changes", UNCLEAN, ids="-".join)
def test_a_run_that_did_not_is_not_clean_and_says_so(changes: dict[str, Any]) -> None:
    found = findings(GOOD, **changes) if "verdict" not in changes else findings(**changes)

    assert not found.is_clean
    assert as_json(found)["clean"] is False
    assert as_table(found).splitlines()[-1].startswith(("FAULT", "NO PROOF"))


def test_too_few_kills_or_events_are_no_proof() -> None:
    assert as_table(findings(GOOD, written=1)).splitlines()[-1] == "NO PROOF: wanted were 2 events and 1 kills."


def test_the_table_has_a_line_for_each_place_with_its_counts() -> None:
    lines = {line[:22].strip(): line.split()[-7:] for line in as_table(findings(GOOD)).splitlines()}

    assert set(map(str, Place)) <= set(lines)
    assert lines["at published"] == ["1", "1", "1", "0", "1", "0", "0"]
    assert lines["total"] == ["1", "2", "2", "0", "1", "0", "0"]


def test_what_stands_beside_the_table_is_said_in_words() -> None:
    verdict = judged("a1 a2", "a1 a2 a2", [killed("b1")])
    text = as_table(findings(verdict, dead=2, leases_lost=4, leftovers=1, ended_alone=[3], others=["pod-1"]))

    for words in (
        "1 deliveries that no kill explains", "2 dead letters", "4 events whose lease ended",
        "1 claims of dead publishers", "a publisher ended by itself with code 3", "took part: pod-1",
    ):  # fmt: skip
        assert words in text
