"""What a file waits for, as a table."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from triggers.decisions.arrivals import Wait, Waiting, seen_before, stable_seconds_of, wait_of
from triggers.decisions.vocabulary import HeldFor, Outcome

NOW = datetime(2026, 4, 17, 8, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("given", "kind", "is_control", "seconds"),
    [
        (None, "local_fs", False, 5),
        (None, "sftp", False, 5),
        (None, "local_fs", True, 0),
        (None, "sftp", True, 0),
        (None, "s3", False, 0),
        (None, "http_pull", False, 0),
        (0, "local_fs", False, 0),
        (30, "s3", True, 30),
    ],
)
def test_how_long_a_file_must_not_change(given: int | None, kind: str, is_control: bool, seconds: int) -> None:
    assert stable_seconds_of(given, kind=kind, is_control=is_control) == seconds


@pytest.mark.parametrize(
    ("kind", "stable", "debounce", "fired", "seen", "modified", "until", "held_for"),
    [
        # Nothing to wait for.
        ("local_fs", 0, 0, None, 0, -100, None, None),
        ("local_fs", 0, 60, None, 0, -100, None, None),
        # Still since its own time on this machine, since it was seen elsewhere.
        ("local_fs", 30, 0, None, 0, -29, 1, HeldFor.STABLE),
        ("local_fs", 30, 0, None, 0, -30, None, None),
        ("sftp", 30, 0, None, 0, -100, 30, HeldFor.STABLE),
        ("s3", 30, 0, None, -30, -100, None, None),
        ("s3", 30, 0, None, -29, None, 1, HeldFor.STABLE),
        ("local_fs", 30, 0, None, 0, None, 30, HeldFor.STABLE),
        # A time to come says nothing.
        ("local_fs", 30, 0, None, 0, 9_999, 30, HeldFor.STABLE),
        # Within the debounce, at its end, after it.
        ("s3", 0, 60, -59, 0, None, 1, HeldFor.DEBOUNCE),
        ("s3", 0, 60, -60, 0, None, None, None),
        ("s3", 0, 60, -600, 0, None, None, None),
        ("s3", 0, 60, 0, 0, None, 60, HeldFor.DEBOUNCE),
        # A fire in the future was written by a clock that was ahead.
        ("s3", 0, 60, 30, 0, None, None, None),
        # Still first, then the debounce.
        ("s3", 30, 60, -1, 0, None, 30, HeldFor.STABLE),
        ("s3", 30, 60, -1, -30, None, 59, HeldFor.DEBOUNCE),
    ],
)
def test_what_a_file_waits_for(
    kind: str, stable: int, debounce: int, fired: int | None, seen: int, modified: int | None, until: int | None,
    held_for: HeldFor | None,
) -> None:  # fmt: skip
    waiting = Waiting(kind, stable, debounce, None if fired is None else at(fired))

    wait = wait_of(
        waiting, first_seen_at=at(seen), modified_at=None if modified is None else at(modified), now=NOW
    )  # fmt: skip

    expected = None if until is None else (at(until), held_for)
    assert (wait and (wait.until, wait.held_for)) == expected


def test_a_wait_says_when_it_ends() -> None:
    wait = wait_of(Waiting("s3", 0, 60, at(-10)), first_seen_at=NOW, modified_at=None, now=NOW)

    assert wait == Wait(
        at(50), HeldFor.DEBOUNCE, "kept: within 60 s of the last fire; it fires at 2026-04-17T08:00:50Z"
    )


@pytest.mark.parametrize(
    ("outcome", "due_at", "run_id", "words"),
    [
        (Outcome.HELD, at(5), None, "it is kept until 2026-04-17T08:00:05Z"),
        (Outcome.HELD, None, None, "it is kept"),
        (Outcome.FIRED, None, uuid.UUID(int=7), f"the run {uuid.UUID(int=7)} has it"),
        (Outcome.GONE, None, None, "gone"),
    ],
)
def test_a_duplicate_is_told_what_became_of_the_first(
    outcome: Outcome, due_at: datetime | None, run_id: uuid.UUID | None, words: str
) -> None:
    said = seen_before(outcome, due_at=due_at, run_id=run_id)

    assert said == f"this version of the file was seen before: {words}"
