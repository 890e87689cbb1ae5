"""Params of every source: strict, bounded, camelCase; what is wrong is named, and the list says what may be sent."""

from typing import Any

import pytest

from kaireon.platform.tenancy.models import Tenant
from reports.sources import SOURCES, Source, Spool, find_source, register, source_list
from reports.sources.params import MAX_DAYS, MAX_HOURS, MAX_LIMIT, Params, PeriodParams
from tests.reports.sources.world import made

CONTRACT = (
    "offer_performance", "channel_effectiveness", "selection_frequency", "anomaly_candidates", "why_not_ranked",
    "decision_traces_summary", "funnel", "revenue_trend", "daily_trend", "budget_burn", "alert_history",
    "outbox_health",
)  # fmt: skip
# What a source cannot do without.
NEEDED: dict[str, dict[str, Any]] = {
    "why_not_ranked": {"offerId": "gold"},
    "budget_burn": {"allocation": 5, "from": "2026-03-01", "to": "2026-03-31"},
}
BY_DAYS = [each.key for each in source_list() if "days" in each.params_schema["properties"]]
WITH_LIMIT = [each.key for each in source_list() if "limit" in each.params_schema["properties"]]
BY_HOURS = [each.key for each in source_list() if "windowHours" in each.params_schema["properties"]]
TEXTS = [
    (each.key, name)
    for each in source_list()
    for name in ("channelId", "offerId", "categoryId", "segmentId")
    if name in each.params_schema["properties"]
]
GROUPED = [
    (each, value)
    for each, values in (
        ("offer_performance", ("channel", "category", "segment")),
        ("decision_traces_summary", ("channel", "placement")),
    )
    for value in values
]


def section_of(key: str, tenant: Tenant, spool: Spool, **params: Any) -> Any:
    return made(key, tenant, spool, **NEEDED.get(key, {}) | params)


def test_every_key_of_the_contract_is_there() -> None:
    assert {each.key for each in source_list()} >= set(CONTRACT)


@pytest.mark.django_db
@pytest.mark.parametrize("key", [each.key for each in source_list()])
def test_a_source_runs_with_its_defaults(key: str, acme: Tenant, spool: Spool) -> None:
    section = section_of(key, acme, spool)

    assert section.error == ""
    assert section.title == next(each.label for each in source_list() if each.key == key)
    keys = [column.key for column in section.columns]
    assert len(set(keys)) == len(keys)
    assert all(len(row) == len(keys) for row in section.rows)
    if section.chart:
        assert {section.chart.along, *section.chart.drawn} <= set(keys)


@pytest.mark.parametrize("info", source_list(), ids=lambda info: info.key)
def test_the_list_says_what_may_be_sent_and_gives_defaults_that_are_taken(info: Any) -> None:
    source = find_source(info.key)

    assert source is not None
    assert info.label
    assert info.description.endswith(".")
    assert info.params_schema["additionalProperties"] is False
    assert set(info.defaults) <= set(info.params_schema["properties"])
    assert set(info.params_schema.get("required", ())) == set(NEEDED.get(info.key, {})) - {"allocation"}
    assert all(each.get("description") for each in info.params_schema["properties"].values())


@pytest.mark.parametrize("key", ["offer_performance", "anomaly_candidates", "why_not_ranked"])
def test_defaults_are_as_they_are_sent(key: str) -> None:
    defaults = next(each.defaults for each in source_list() if each.key == key)

    assert defaults["days"] == 7
    assert "offerId" not in defaults
    assert isinstance(defaults["limit"], int)


@pytest.mark.django_db
@pytest.mark.parametrize("key", BY_DAYS)
@pytest.mark.parametrize("days", [0, -1, MAX_DAYS + 1, "7", 7.5, True, None, [7]], ids=str)
def test_bad_days_are_named(key: str, days: Any, acme: Tenant, spool: Spool) -> None:
    section = section_of(key, acme, spool, days=days)

    assert len(section.rows) == 1
    assert next(iter(section.rows))[0] == "days"
    assert section.error.startswith("days: ")
    assert section.chart is None
    assert section.figures == ()


@pytest.mark.django_db
@pytest.mark.parametrize("key", WITH_LIMIT)
@pytest.mark.parametrize(("limit", "is_taken"), [(0, False), (1, True), (MAX_LIMIT, True), (MAX_LIMIT + 1, False)])
def test_a_limit_has_its_bounds(key: str, limit: int, is_taken: bool, acme: Tenant, spool: Spool) -> None:
    assert (section_of(key, acme, spool, limit=limit).error == "") is is_taken


@pytest.mark.django_db
@pytest.mark.parametrize("key", BY_HOURS)
@pytest.mark.parametrize(("hours", "is_taken"), [(0, False), (1, True), (MAX_HOURS, True), (MAX_HOURS + 1, False)])
def test_hours_have_their_bounds(key: str, hours: int, is_taken: bool, acme: Tenant, spool: Spool) -> None:
    section = section_of(key, acme, spool, windowHours=hours)

    assert section.error.startswith("" if is_taken else "windowHours: ")
    assert (section.error == "") is is_taken


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "name"), TEXTS)
@pytest.mark.parametrize("value", ["", "x" * 256, "a\x00b", 7, ["web"]], ids=["empty", "long", "nul", "number", "list"])
def test_bad_ids_are_named(key: str, name: str, value: Any, acme: Tenant, spool: Spool) -> None:
    assert section_of(key, acme, spool, **{name: value}).error.startswith(f"{name}: ")


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "value"), GROUPED)
def test_a_source_groups_by_what_it_knows(key: str, value: str, acme: Tenant, spool: Spool) -> None:
    assert section_of(key, acme, spool, groupBy=value).error == ""
    assert section_of(key, acme, spool, groupBy="weather").error.startswith("groupBy: ")


@pytest.mark.django_db
@pytest.mark.parametrize("key", [each.key for each in source_list()])
def test_a_param_that_nobody_knows_is_named(key: str, acme: Tenant, spool: Spool) -> None:
    assert section_of(key, acme, spool, channel_id="web").error.startswith("channel_id: ")


@pytest.mark.django_db
def test_all_that_is_wrong_is_said_under_the_first_fields_name(acme: Tenant, spool: Spool) -> None:
    section = made("offer_performance", acme, spool, days=0, limit=0, colour="red")

    assert [row[0] for row in section.rows] == ["days"]
    assert all(f"{field}: " in section.error for field in ("days", "limit", "colour"))


@pytest.mark.django_db
def test_text_that_no_json_can_hold_is_refused(acme: Tenant, spool: Spool) -> None:
    section = made("offer_performance", acme, spool, channelId="half \ud800")

    assert section.error


@pytest.mark.django_db
@pytest.mark.parametrize(("change", "is_taken"), [(0, False), (0.01, True), (float("nan"), False), (101, False)])
def test_a_least_change_is_a_part_of_the_baseline(change: float, is_taken: bool, acme: Tenant, spool: Spool) -> None:
    assert (made("anomaly_candidates", acme, spool, minChange=change).error == "") is is_taken


def test_a_key_is_registered_once() -> None:
    class Other(Params):
        """Other params."""

    same = SOURCES[0]
    other = Source(same.key, same.label, same.description, Other, same.read)

    register(same)

    with pytest.raises(ValueError, match="registered already"):
        register(other)
    assert find_source(same.key) is same


def test_there_is_no_source_of_another_key() -> None:
    assert find_source("weather") is None


def test_params_cannot_be_changed_once_they_are_read() -> None:
    params = PeriodParams(days=3)

    with pytest.raises(ValueError, match="frozen"):
        params.days = 4
