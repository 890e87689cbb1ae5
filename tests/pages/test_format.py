"""How pages write numbers, times and states."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import timezone

from alerts.decisions import Status
from kaireon.platform.badges import BADGES, badge_of
from kaireon.platform.health.decisions import Severity
from kaireon.platform.notifications.decisions import DestinationState, State
from kaireon.platform.paging import read_key, write_key
from kaireon.templatetags.kaireon_format import as_json, figure, moment, pace, soonest, took, with_unit, words


@pytest.mark.parametrize("word", [*Status, *State, *DestinationState, *Severity])
def test_every_state_of_the_house_has_a_badge_of_its_own(word: str) -> None:
    assert str(word) in BADGES


def test_states_that_can_stand_side_by_side_differ_in_shape_or_words() -> None:
    looks = [(BADGES[state].label, BADGES[state].shape) for state in State]

    assert len(set(looks)) == len(looks)


def test_a_state_without_a_badge_shows_as_itself() -> None:
    assert badge_of("half_done").label == "Half done"
    assert badge_of("").label == "–"


def test_a_badge_is_text_colour_and_shape() -> None:
    text = Template("{% badge state %}").render(Context({"state": "fired"}))

    assert "Firing" in text
    assert 'data-tone="bad"' in text
    assert "k-shape-diamond" in text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "ratio", "–"), (0.31234, "ratio", "0.3123"), (1234.0, "count", "1,234"), (12.5, "milliseconds", "12.5 ms")],
)
def test_a_number_is_written_with_its_unit(value: float | None, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1_000_000, "1,000,000"), (0.00012345, "0.0001234")])
def test_a_figure_has_separators_and_few_decimals(value: float, text: str) -> None:
    assert figure(value) == text


def test_a_moment_is_relative_with_the_exact_instant_on_hover() -> None:
    at = timezone.now() - timedelta(minutes=1, seconds=20, milliseconds=500)

    text = moment(at)

    assert "1 m 20 s ago" in text
    assert f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" in text


def test_a_time_that_has_come_is_at_once() -> None:
    assert soonest(timezone.now() - timedelta(seconds=1)) == "at once"
    assert soonest(None) == "at once"
    assert "in 59 m" in soonest(timezone.now() + timedelta(hours=1))


class _Attempt:
    started_at = datetime(2026, 3, 1, tzinfo=UTC)

    def __init__(self, seconds: float | None) -> None:
        self.finished_at = None if seconds is None else self.started_at + timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "text"), [(0.027, "27 ms"), (80, "1 m 20 s"), (None, "–")])
def test_what_an_attempt_took(seconds: float | None, text: str) -> None:
    assert took(_Attempt(seconds)) == text


@pytest.mark.parametrize(("value", "text"), [("as it is", "as it is"), (None, "null"), ([1, "ä"], '[1, "ä"]')])
def test_values_of_the_audit_log(value: Any, text: str) -> None:
    assert as_json(value) == text


def test_names_of_the_api_are_words() -> None:
    assert words("alert_rule") == "alert rule"


def test_a_key_of_a_list_survives_the_way_through_an_address() -> None:
    at, row_id = timezone.now(), "018f2f4e-1111-7222-8333-444455556666"

    key = read_key(write_key(at, row_id))

    assert key is not None
    assert key[0] == at
    assert str(key[1]) == row_id


@pytest.mark.parametrize("text", ["", "x", "20260301T000000.0Z_", "_018f2f4e-1111-7222-8333-444455556666", "a_b_c"])
def test_a_key_that_is_not_ours_is_no_key(text: str) -> None:
    assert read_key(text) is None


@pytest.mark.parametrize(
    ("rate", "text"),
    [(None, "–"), (0, "0 /s"), (0.36412, "0.36 /s"), (9.94, "9.9 /s"), (10.4, "10 /s"), (12_345.6, "12,346 /s")],
)
def test_a_pace_is_no_more_exact_than_an_average_can_be(rate: float | None, text: str) -> None:
    assert pace(rate) == text
