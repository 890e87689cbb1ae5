"""Schedules in words, whatever they hold."""

from typing import Any

import pytest

from flows.decisions.schedule_words import say_schedule


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (None, ""),
        ("0 9 * * *", ""),
        ({}, ""),
        ({"kind": "lunar"}, ""),
        ({"kind": "cron", "expression": "0 9 * * *", "enabled": False}, ""),
        ({"kind": "cron", "expression": "0 9 * * *"}, "At 09:00 UTC"),
        ({"kind": "cron", "expression": "0 9 * * *", "timezone": "Asia/Tokyo"}, "At 09:00 Asia/Tokyo"),
        ({"kind": "cron", "expression": 5, "timezone": 5}, " UTC"),
        ({"kind": "interval", "minutes": 1}, "Every minute"),
        ({"kind": "interval", "minutes": 60}, "Every hour"),
        ({"kind": "interval", "minutes": 120}, "Every 2 hours"),
        ({"kind": "interval", "minutes": 1_440}, "Every day"),
        ({"kind": "interval", "minutes": 2_880}, "Every 2 days"),
        ({"kind": "interval", "minutes": "many"}, ""),
        ({"kind": "rrule", "rule": "FREQ=DAILY;INTERVAL=2"}, "Every 2 days (UTC)"),
    ],
)
def test_a_schedule_is_said_in_words(schedule: Any, words: str) -> None:
    assert say_schedule(schedule) == words
