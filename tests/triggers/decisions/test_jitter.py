"""Jitter: the same delay whoever asks, spread over all that is allowed."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from triggers.decisions.jitter import jitter_of

PIPELINE = uuid.UUID(int=7)
AT = datetime(2026, 11, 21, 3, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_jitter_there_is_no_delay(seconds: int) -> None:
    assert jitter_of(PIPELINE, AT, seconds) == timedelta()


def test_the_delay_is_the_same_for_the_same_instant_however_it_is_written() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))

    assert jitter_of(PIPELINE, AT, 600) == jitter_of(PIPELINE, elsewhere, 600)


def test_delays_are_spread_over_pipelines_and_instants() -> None:
    of_pipelines = {jitter_of(uuid.UUID(int=number), AT, 9) for number in range(500)}
    of_instants = {jitter_of(PIPELINE, AT + timedelta(days=number), 9) for number in range(500)}

    assert of_pipelines == of_instants == {timedelta(seconds=number) for number in range(10)}
