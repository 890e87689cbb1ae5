"""A file that does not come, in all three manners, and a schedule ticked twice within its minute: over HTTP."""

from collections.abc import Iterator

import pytest

from tests.journeys.trigger_house import TICK, Row, TriggerHouse, trigger_house, waits_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TriggerHouse]:
    with trigger_house("local_fs", tmp_path_factory.mktemp("deadlines") / "data") as house:
        yield house


def _expected(house: TriggerHouse, name: str, on_miss: str) -> Row:
    """Create a pipeline whose file is expected within a minute."""
    deadline = {"windowMinutes": 1, "onMiss": on_miss}
    return house.pipeline(name, trigger=waits_for(f"{name}.done", deadline=deadline))


def _let_pass(house: TriggerHouse, pipeline: Row) -> None:
    """Move everything that a deadline counts from five minutes into the past."""
    house.sql(
        "UPDATE flows_pipeline SET created_at = created_at - interval '5 minutes', "
        "last_run_at = last_run_at - interval '5 minutes' WHERE id = %s", [pipeline["id"]],
    )  # fmt: skip
    house.sql(
        "UPDATE triggers_filetrigger SET active_since = active_since - interval '5 minutes', "
        "deadline_at = deadline_at - interval '5 minutes' WHERE pipeline_id = %s", [pipeline["id"]],
    )  # fmt: skip


def _alerts(house: TriggerHouse, pipeline: Row, severity: str) -> list[Row]:
    alerts: list[Row] = house.ask("GET", "system-health?limit=100")["data"]
    return [
        each for each in alerts if each["metadata"].get("pipelineId") == pipeline["id"] and each["severity"] == severity
    ]


def _warnings(house: TriggerHouse, pipeline: Row) -> list[Row]:
    return _alerts(house, pipeline, "warning")


def _missed(house: TriggerHouse, pipeline: Row) -> list[Row]:
    return [each for each in house.occurrences(pipeline) if each["outcome"] == "deadline_missed"]


def test_within_its_window_nothing_is_missed(house: TriggerHouse) -> None:
    pipeline = _expected(house, "early", "fail")

    house.tick()

    assert (_missed(house, pipeline), _warnings(house, pipeline), house.runs(pipeline)) == ([], [], [])


def test_alert_warns_once_for_each_anchor(house: TriggerHouse) -> None:
    pipeline = _expected(house, "orders", "alert")
    _let_pass(house, pipeline)

    house.tick()
    house.tick()

    (warning,) = _warnings(house, pipeline)
    assert (warning["severity"], warning["occurrences"], warning["resolvedAt"]) == ("warning", 1, None)
    assert len(_missed(house, pipeline)) == 1
    assert house.runs(pipeline) == []


def test_fail_also_writes_a_failed_run_which_is_no_run_of_its_own(house: TriggerHouse) -> None:
    pipeline = _expected(house, "invoices", "fail")
    _let_pass(house, pipeline)

    house.tick()
    house.tick()

    (run,) = house.runs(pipeline)
    assert (run["status"], run["triggerSource"]) == ("failed", "file_arrival")
    assert run["error"]
    assert (len(_warnings(house, pipeline)), len(_alerts(house, pipeline, "error"))) == (1, 1)
    assert house.ask("GET", f"pipelines/{pipeline['id']}")["lastRunAt"] is None


def test_skip_says_so_in_the_ledger_alone(house: TriggerHouse) -> None:
    pipeline = _expected(house, "clicks", "skip")
    _let_pass(house, pipeline)

    house.tick()
    house.tick()

    assert len(_missed(house, pipeline)) == 1
    assert (_warnings(house, pipeline), house.runs(pipeline)) == ([], [])


def test_the_file_that_comes_late_resolves_the_warning_and_arms_the_deadline_again(house: TriggerHouse) -> None:
    pipeline = _expected(house, "stocks", "alert")
    _let_pass(house, pipeline)
    house.tick()
    house.drop_pair("stocks")

    (result,) = house.tick_results(pipeline)
    house.ended(pipeline, result["runId"])

    (warning,), (recovery,) = _warnings(house, pipeline), _alerts(house, pipeline, "success")
    assert warning["resolvedAt"] is not None
    assert "came after all" in recovery["title"]
    _let_pass(house, pipeline)
    house.tick()
    assert len(_missed(house, pipeline)) == 2


def test_a_file_that_waits_is_no_missed_deadline(house: TriggerHouse) -> None:
    pipeline = _expected(house, "ledgers", "alert")
    _let_pass(house, pipeline)
    house.drop_pair("ledgers")

    (result,) = [each for each in house.tick_results(pipeline) if each["fired"]]

    assert _missed(house, pipeline) == []
    house.ended(pipeline, result["runId"])


def test_a_schedule_ticked_twice_within_its_minute_fires_once(house: TriggerHouse) -> None:
    schedule = {"kind": "cron", "expression": "0 0 * * *", "timezone": "UTC"}
    pipeline = house.pipeline("daily", schedule=schedule)

    first, second = house.tick_results(pipeline), house.tick_results(pipeline)

    (fired,) = first
    assert (fired["fired"], fired["status"], fired["triggerSource"]) == (True, 201, "schedule")
    assert fired["occurrence"][10:] in {"T00:00:00Z", "T00:00:00.000Z", "T00:00:00+00:00"}
    assert second == []


def test_a_tick_needs_the_secret(house: TriggerHouse) -> None:
    assert house.cron("GET", TICK, Authorization="Bearer guessed").status_code == 401
    assert house.cron("GET", TICK, **{"x-cron-secret": house.secret}).status_code == 200
    assert house.cron("POST", TICK).status_code == 200
