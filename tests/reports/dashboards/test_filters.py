"""The period and the filters, as an address and a body spell them."""

from typing import Any

import pytest

from kaireon.platform.errors import Unprocessable
from reports.dashboards import DASHBOARDS
from reports.dashboards.asking import read_wish
from reports.dashboards.filters import DEFAULT_PERIOD, MAX_FILTER, PERIODS, Filters, read_query
from reports.decisions.vocabulary import Format


@pytest.mark.parametrize(
    ("key", "days", "words", "before"),
    [
        ("today", 1, "today", "yesterday"),
        ("7d", 7, "the last 7 days", "the 7 days before"),
        ("14d", 14, "the last 14 days", "the 14 days before"),
        ("30d", 30, "the last 30 days", "the 30 days before"),
        ("90d", 90, "the last 90 days", "the 90 days before"),
    ],
)
def test_a_period_is_so_many_days_and_says_what_it_is_compared_with(
    key: str, days: int, words: str, before: str
) -> None:
    period = PERIODS[key]

    assert (period.days, period.words, period.before_words) == (days, words, before)


def test_the_periods_are_the_documented_ones() -> None:
    assert list(PERIODS) == ["today", "7d", "14d", "30d", "90d"]


@pytest.mark.parametrize("period", [*PERIODS])
@pytest.mark.parametrize(("channel", "segment"), [("", ""), ("web", ""), ("", "vip"), ("a&b=c", "ü ö")])
def test_an_address_says_what_it_was_made_of(period: str, channel: str, segment: str) -> None:
    filters = Filters(PERIODS[period], channel, segment)

    assert read_query(filters.query()) == filters


@pytest.mark.parametrize("period", ["", "8d", "7", "90D", "today ", "<b>"])
def test_an_unknown_period_of_an_address_is_the_default_one(period: str) -> None:
    assert read_query({"period": period}).period.key == DEFAULT_PERIOD


def test_the_default_page_has_a_plain_address() -> None:
    assert Filters().query() == {}


def test_what_no_filter_can_be_is_cut_and_cleaned() -> None:
    filters = read_query({"channel": " we\x00b\n ", "segment": "s" * 1000})

    assert filters.channel_id == "web"
    assert len(filters.segment_id) == MAX_FILTER


def test_sources_are_told_days_and_only_the_filters_that_are_set() -> None:
    assert Filters(PERIODS["14d"]).params() == {"days": 14}
    assert Filters(PERIODS["7d"], "web", "vip").params() == {"days": 7, "channelId": "web", "segmentId": "vip"}


@pytest.mark.parametrize(("channel", "segment", "is_narrowed"), [("", "", False), ("w", "", True), ("", "v", True)])
def test_filters_say_whether_they_narrow(channel: str, segment: str, is_narrowed: bool) -> None:
    assert Filters(PERIODS["7d"], channel, segment).is_narrowed is is_narrowed


def test_a_wish_is_read_whole() -> None:
    wish = read_wish({"dashboard": "business", "period": "30d", "format": "csv", "channel_id": "web"})

    assert wish.dashboard is DASHBOARDS["business"]
    assert wish.filters == Filters(PERIODS["30d"], "web", "")
    assert wish.format is Format.CSV


def test_a_wish_without_a_period_is_of_the_default_one() -> None:
    assert read_wish({"dashboard": "business", "format": "pdf"}).filters.period.key == DEFAULT_PERIOD


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dashboard": "nothing"}, "dashboard"),
        ({"dashboard": ""}, "dashboard"),
        ({"dashboard": None}, "dashboard"),
        ({"period": "8d"}, "period"),
        ({"period": ""}, "period"),
        ({"format": "docx"}, "format"),
        ({"format": "PDF"}, "format"),
        ({"format": None}, "format"),
    ],
)
def test_a_wish_for_what_there_is_not_names_the_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        read_wish({"dashboard": "business", "period": "7d", "format": "pdf", **changes})

    assert list(refusal.value.fields) == [field]
    assert "Must be one of" in refusal.value.message


def test_every_wrong_field_of_a_wish_is_named_at_once() -> None:
    with pytest.raises(Unprocessable) as refusal:
        read_wish({"dashboard": "x", "period": "y", "format": "z"})

    assert set(refusal.value.fields) == {"dashboard", "period", "format"}
