"""`manage.py preview_schedule`: when a schedule is due, one time a line."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

LOOK = ("--after", "2026-10-24T00:00:00Z")


def run(*arguments: str) -> tuple[str, str]:
    """Run the command and return what it wrote."""
    out, err = StringIO(), StringIO()
    call_command("preview_schedule", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("--kind", "cron", "--expression", "0 9 * * 1-5", "--timezone", "Europe/Berlin"),
         ["2026-10-26T08:00:00Z", "2026-10-27T08:00:00Z"]),
        (("--kind", "interval", "--minutes", "90", "--last-run-at", "2026-10-23T23:30:00Z"),
         ["2026-10-24T01:00:00Z", "2026-10-24T02:30:00Z"]),
        (("--kind", "interval", "--minutes", "90", "--anchor", "2026-01-01T00:00:00+01:00"),
         ["2026-10-24T00:30:00Z", "2026-10-24T02:00:00Z"]),
        (("--kind", "rrule", "--rule", "FREQ=MONTHLY;BYDAY=-1FR", "--dtstart", "2026-01-01T17:00:00"),
         ["2026-10-30T17:00:00Z", "2026-11-27T17:00:00Z"]),
    ],
)  # fmt: skip
def test_the_next_times_are_printed_one_a_line(arguments: tuple[str, ...], lines: list[str]) -> None:
    written, warned = run(*arguments, *LOOK, "--count", "2")

    assert (written.splitlines(), warned) == (lines, "")


def test_warnings_go_to_stderr() -> None:
    written, warned = run("--kind", "cron", "--expression", "0 9 13 * 5", *LOOK)

    assert len(written.splitlines()) == 10
    assert warned.startswith("Day of month and day of week are both restricted")


def test_json_is_what_the_api_answers() -> None:
    answer = json.loads(run("--kind", "cron", "--expression", "0 9 * * *", *LOOK, "--count", "1", "--json")[0])

    assert answer["occurrences"] == ["2026-10-24T09:00:00.000Z"]
    assert answer["dueNow"] is True


def test_a_rule_of_which_nothing_comes_ends_with_1() -> None:
    with pytest.raises(SystemExit) as ended:
        run("--kind", "rrule", "--rule", "FREQ=DAILY;COUNT=1", "--dtstart", "2026-01-01T00:00:00Z", *LOOK)

    assert ended.value.code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--kind", "cron"), "--kind cron needs --expression."),
        (("--kind", "interval"), "--kind interval needs --minutes."),
        (("--kind", "cron", "--expression", "0 25 * * *"), "schedule.expression: hour: 25"),
        (("--kind", "cron", "--expression", "0 9 * * *", "--minutes", "5"), "schedule.minutes: is no field here"),
        (("--kind", "lunar"), "invalid choice"),
        (("--kind", "cron", "--expression", "0 9 * * *", "--count", "101"), "not from 1 to 100"),
        (("--kind", "cron", "--expression", "0 9 * * *", "--after", "tomorrow"), "no time with an offset"),
        (("--kind", "cron", "--expression", "0 9 * * *", "--after", "2026-10-24T00:00:00"), "no time with an offset"),
    ],
)
def test_a_bad_call_ends_with_2(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says) as caught:
        run(*arguments)

    # The parser's own refusal is turned into exit code 2 by manage.py.
    assert caught.value.returncode in {1, 2}
