"""Every reason has a sentence, and it answers why nobody, or somebody, was told."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from alerts.decisions import (
    Explained,
    Operator,
    Reason,
    Severity,
    describe_condition,
    explain,
    format_number,
    hint_for,
)

UNTIL = datetime(2026, 4, 17, 14, 20, tzinfo=UTC)


def evaluation(reason: Reason, **deviations: Any) -> Explained:
    """Return an evaluation of `> 0.2` that saw 0.31, with the deviations of one row."""
    plain = Explained(
        reason, Operator.GT, threshold=0.2, observed=0.31, severity=Severity.WARNING, until=UNTIL, number=2
    )
    return plain._replace(**deviations)


@pytest.mark.parametrize(
    ("reason", "deviations", "sentence"),
    [
        (Reason.FIRED, {}, "Fired (message 2, warning): 0.31 > 0.2."),
        (Reason.FIRED, {"observed": None}, "Fired (message 2, warning): no data in the window."),
        (
            Reason.RESOLVED,
            {"observed": 0.1},
            "Resolved: 0.1 ≤ 0.2; everyone who was told of the incident was told.",
        ),
        (
            Reason.CLOSED_QUIETLY,
            {"observed": 0.1},
            "The incident ended: 0.1 ≤ 0.2; nobody had been told of it, or resolve notices are off.",
        ),
        (Reason.NOT_BREACHED, {"observed": 0.1}, "Not breached: 0.1 ≤ 0.2."),
        (Reason.NOT_BREACHED, {"observed": 0.1, "operator": Operator.EQ}, "Not breached: 0.1 ≠ 0.2."),
        (Reason.NO_DATA_IS_OK, {"observed": None}, "No data in the window; the rule takes that for well."),
        (Reason.NO_DATA_KEPT, {"observed": None}, "No data in the window; the rule keeps the state it was in."),
        (Reason.UNSUPPORTED_METRIC, {}, "Not evaluated: nothing here measures this metric."),
        (
            Reason.PENDING,
            {},
            "Breached (0.31 > 0.2), but it has to last until 2026-04-17 14:20:00 UTC before anyone is told.",
        ),
        (Reason.MUTED, {}, "Breached (0.31 > 0.2), but the rule is muted until 2026-04-17 14:20:00 UTC."),
        (Reason.ACKNOWLEDGED, {}, "Breached (0.31 > 0.2), but somebody has acknowledged the incident."),
        (Reason.IN_FLIGHT, {}, "Breached (0.31 > 0.2), but the last message is still on its way."),
        (Reason.COOLDOWN, {}, "Breached (0.31 > 0.2), but in cooldown until 2026-04-17 14:20:00 UTC."),
        (
            Reason.JUST_FIRED,
            {},
            "Breached (0.31 > 0.2), but it fired seconds ago; the earliest repeat is 2026-04-17 14:20:00 UTC.",
        ),
        (
            Reason.RETRY_SOON,
            {},
            "Breached (0.31 > 0.2); every destination failed, and it fires again after 2026-04-17 14:20:00 UTC.",
        ),
    ],
)
def test_an_evaluation_reads_as_a_sentence(reason: Reason, deviations: dict[str, Any], sentence: str) -> None:
    assert explain(evaluation(reason, **deviations)) == sentence


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert explain(evaluation(reason)).endswith(".")


def test_a_time_of_another_zone_is_told_in_utc() -> None:
    local = UNTIL.astimezone(timezone(timedelta(hours=2)))

    assert "14:20:00 UTC" in explain(evaluation(Reason.MUTED, until=local))


def test_an_unknown_end_is_further_notice() -> None:
    assert "until further notice" in explain(evaluation(Reason.MUTED, until=None))


def test_what_a_person_can_act_on_comes_with_a_hint() -> None:
    assert "press Test" in hint_for(Reason.RETRY_SOON)
    assert hint_for(Reason.FIRED) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (5.0, "5"),
        (0.0, "0"),
        (999.5, "999.5"),
        (1234567.0, "1,234,567"),
        (-12345.678, "-12,345.68"),
        (1000.1, "1,000.1"),
        (1e16, "1e+16"),
        (0.000012, "1.2e-05"),
    ],
)
def test_a_number_reads_as_people_write_it(value: float, text: str) -> None:
    assert format_number(value) == text


def test_a_condition_reads_as_a_phrase() -> None:
    assert describe_condition("ctr", Operator.LTE, 0.02, 5) == "ctr ≤ 0.02 over 5 min"
