"""The documented page of triggers, over HTTP: three pipelines on one inbox, sentinels dropped once, twice and again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.journeys.trigger_house import NO_ROWS, Row, TriggerHouse, trigger_house, waits_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
ANSWER = {
    "tickAt", "totalPipelines", "scheduled", "due", "dispatched", "failed", "results", "durationMs", "remaining",
}  # fmt: skip
RESULT = {"pipelineId", "tenantId", "fired", "status", "runId", "occurrence", "triggerSource"}
NAMES = ("customers", "accounts", "propositions")


@dataclass(frozen=True)
class Trio:
    """The three pipelines that share an inbox."""

    house: TriggerHouse
    customers: Row
    accounts: Row
    propositions: Row

    @property
    def all(self) -> tuple[Row, Row, Row]:
        """Return all three."""
        return self.customers, self.accounts, self.propositions

    def fired(self) -> dict[str, list[Row]]:
        """Tick, let the runs end, and return what fired by the pipelines' names."""
        names = {each["id"]: each["name"].removeprefix("load-") for each in self.all}
        found: dict[str, list[Row]] = {}
        for result in self.house.tick_results(*self.all):
            if result["fired"]:
                self.house.ended({"id": result["pipelineId"]}, result["runId"])
                found.setdefault(names[result["pipelineId"]], []).append(result)
        return found


@pytest.fixture(scope="module", params=["local_fs", "s3"])
def trio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with trigger_house(request.param, tmp_path_factory.mktemp("triggers") / "data") as house:
        made = [house.pipeline(name, trigger=waits_for(f"{name}.done")) for name in NAMES]
        yield Trio(house, *made)


def test_one_sentinel_starts_its_pipeline_and_no_other(trio: Trio) -> None:
    trio.house.drop_pair("customers")

    fired = trio.fired()

    assert list(fired) == ["customers"]
    (run,) = fired["customers"]
    ended = trio.house.ended(trio.customers, run["runId"])
    assert (ended["status"], ended["triggerSource"], ended["rowsOut"]) == ("completed", "file_arrival", 2), ended


def test_two_sentinels_start_both_in_one_tick_independently(trio: Trio) -> None:
    trio.house.drop_pair("customers")
    trio.house.drop_pair("accounts")

    fired = trio.fired()

    assert {name: len(runs) for name, runs in fired.items()} == {"customers": 1, "accounts": 1}


def test_the_same_sentinel_again_is_a_new_arrival(trio: Trio) -> None:
    trio.house.drop_pair("propositions")
    first = trio.fired()
    trio.house.drop_pair("propositions")
    second = trio.fired()

    assert list(first) == list(second) == ["propositions"]
    assert first["propositions"][0]["runId"] != second["propositions"][0]["runId"]


def test_nothing_dropped_starts_nothing(trio: Trio) -> None:
    trio.house.drop_pair("accounts")

    fired, again = trio.fired(), trio.fired()

    assert (list(fired), again) == (["accounts"], {})


def test_the_sentinel_goes_into_the_archive_with_its_data(trio: Trio) -> None:
    trio.house.drop_pair("customers")

    (run,) = trio.fired()["customers"]

    day = run["occurrence"][:10]
    keys = trio.house.inbox.keys()
    assert not [key for key in keys if not key.startswith((".archive/", ".failed/"))], keys
    assert [key for key in keys if key.startswith(f".archive/{day}/customers") and key.endswith(".done")]
    assert [key for key in keys if key.startswith(f".archive/{day}/customers") and key.endswith(".csv")]


def test_a_failed_run_sets_the_sentinel_aside_and_a_fresh_one_tries_again(trio: Trio) -> None:
    trio.house.drop_pair("accounts", NO_ROWS)
    (failed,) = trio.fired()["accounts"]
    keys = trio.house.inbox.keys()
    idle = trio.fired()
    trio.house.drop_pair("accounts")
    (retried,) = trio.fired()["accounts"]

    assert trio.house.ended(trio.accounts, failed["runId"])["status"] == "failed"
    assert [key for key in keys if key.startswith(".failed/accounts") and key.endswith(".done")], keys
    assert idle == {}
    assert trio.house.ended(trio.accounts, retried["runId"])["status"] == "completed"


def test_two_ticks_at_once_see_a_sentinel_once(trio: Trio) -> None:
    trio.house.drop_pair("propositions")

    first, second = trio.house.tick_results(trio.propositions), trio.house.tick_results(trio.propositions)

    fired = [each for each in (*first, *second) if each["fired"]]
    assert len(fired) == 1, (first, second)
    trio.house.ended(trio.propositions, fired[0]["runId"])


def test_a_mask_that_overlaps_is_refused_with_a_key_that_both_match(trio: Trio) -> None:
    answer = trio.house.try_pipeline("greedy", table="customers", trigger=waits_for("*.done"))

    assert answer.status_code == 422, answer.text
    (text,) = answer.json()["error"]["fields"]["ir.trigger.controlFilePattern"]
    assert any(f"{name}.done" in text and f"load-{name}" in text for name in NAMES), text


def test_the_ledger_tells_which_run_a_file_started(trio: Trio) -> None:
    trio.house.drop_pair("customers")

    (run,) = trio.fired()["customers"]

    row = next(each for each in trio.house.occurrences(trio.customers) if (each["run"] or {}).get("id") == run["runId"])
    assert (row["kind"], row["outcome"], row["via"]) == ("file", "fired", "poll")


def test_the_answer_of_a_tick_is_the_documented_one(trio: Trio) -> None:
    trio.house.drop_pair("accounts")

    said = trio.house.tick()

    assert set(said) == ANSWER
    counts = [said[name] for name in ("totalPipelines", "scheduled", "due", "dispatched", "failed", "durationMs")]
    assert all(isinstance(count, int) for count in counts)
    (result,) = [each for each in said["results"] if each["pipelineId"] == trio.accounts["id"]]
    assert set(result) >= RESULT
    assert (result["fired"], result["status"], result["triggerSource"]) == (True, 201, "file_arrival")
    trio.house.ended(trio.accounts, result["runId"])


def _sent(house: TriggerHouse, body: dict[str, Any], pipeline: Row, **headers: str) -> Row:
    """Push, and return the one run that it started."""
    answer = house.push(body, **headers)
    assert answer.status_code == 202, answer.text
    (dispatched,) = answer.json()["dispatched"]
    assert dispatched["pipelineId"] == pipeline["id"]
    return house.ended(pipeline, dispatched["runId"])


def _native(trio: Trio, name: str, pipeline: Row) -> dict[str, Any]:
    """Return the documented native payload for a sentinel of the inbox."""
    key = f"{trio.house.inbox.path.partition('acme-orders/')[2] or trio.house.inbox.path}{name}.done"
    return {"pipelineId": pipeline["id"], "tenantId": pipeline["tenantId"], "objectKey": key}


def test_a_push_starts_the_run_at_once(trio: Trio) -> None:
    trio.house.drop_pair("customers")

    run = _sent(trio.house, _native(trio, "customers", trio.customers), trio.customers)

    assert (run["status"], run["triggerSource"], run["rowsOut"]) == ("completed", "file_arrival", 2), run


def test_the_other_header_opens_as_well(trio: Trio) -> None:
    trio.house.drop_pair("accounts")

    body = _native(trio, "accounts", trio.accounts)
    run = _sent(trio.house, body, trio.accounts, **{"x-cron-secret": trio.house.secret})

    assert run["status"] == "completed"


def test_a_wrong_secret_starts_nothing(trio: Trio) -> None:
    body = _native(trio, "accounts", trio.accounts)

    assert trio.house.push(body, Authorization="Bearer guessed").status_code == 401


def test_an_event_delivered_again_starts_nothing(trio: Trio) -> None:
    trio.house.drop_pair("propositions")
    body = _native(trio, "propositions", trio.propositions)
    _sent(trio.house, body, trio.propositions)

    again = trio.house.push(body)

    assert again.status_code in {200, 202}, again.text
    assert again.json()["dispatched"] == []
    (ignored,) = again.json()["ignored"]
    assert ignored["pipelineId"] == trio.propositions["id"]
    assert ignored["reason"]


def test_an_envelope_of_eventbridge_finds_its_pipeline(trio: Trio) -> None:
    if trio.house.inbox.kind != "s3":
        pytest.skip("EventBridge tells of buckets")
    trio.house.drop_pair("customers")
    body = {"detail": {"bucket": {"name": "acme-orders"}, "object": {"key": "inbox/customers.done"}}}

    run = _sent(trio.house, body, trio.customers)

    assert run["triggerSource"] == "file_arrival"
