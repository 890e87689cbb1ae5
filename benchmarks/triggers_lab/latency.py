"""How long a dropped file waits for its run, on a Kaireon that serves: pushed, seen by inotify, found by a tick."""

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.journeys.house import BucketInbox
from tests.journeys.trigger_house import Row, TriggerHouse, trigger_house, waits_for

DROPS: Final = 20
PATIENCE: Final = 30.0
RUNS: Final = "SELECT count(*) FROM flows_pipelinerun WHERE pipeline_id = %s"
# The web server alone: what is asked for is the dispatch, and nobody else works on these CPUs.
ALONE: Final = {"PROCESSES": "web", "WEB_PROCESSES": "1"}
NEVER: Final = "3600000"


def measure(folder: Path) -> Iterator[tuple[str, list[float]]]:
    """Yield each way with its milliseconds from the drop to the run's row."""
    shutil.rmtree(folder, ignore_errors=True)
    with trigger_house("s3", folder / "s3", **ALONE) as house:
        yield from _pushed(house)
        yield "tick: S3", _ticked(house, house.pipeline("polled", trigger=waits_for("polled-*.done")))
    with trigger_house("local_fs", folder / "local", **ALONE) as house:
        yield "tick: folder", _ticked(house, house.pipeline("polled", trigger=waits_for("polled-*.done")))
    watching = {"FLOW_INTERNAL_SCHEDULER_ENABLED": "true", "FLOW_SCHEDULER_INTERVAL_MS": NEVER}
    with trigger_house("local_fs", folder / "watched", **ALONE, **watching) as house:
        yield "inotify: folder", _watched(house)


def _pushed(house: TriggerHouse) -> Iterator[tuple[str, list[float]]]:
    pipeline = house.pipeline("pushed", trigger=waits_for("pushed-*.done"))
    assert isinstance(house.inbox, BucketInbox)
    names = (f"pushed-{number}.done" for number in itertools.count())

    def native(name: str) -> Row:
        return {"pipelineId": pipeline["id"], "tenantId": pipeline["tenantId"], "objectKey": f"inbox/{name}"}

    def envelope(name: str) -> Row:
        return {"detail": {"bucket": {"name": "acme-orders"}, "object": {"key": f"inbox/{name}"}}}

    for label, body in (("push: native, S3", native), ("push: EventBridge, S3", envelope)):
        _push(house, next(names), body)
        yield label, [_push(house, next(names), body) for _ in range(DROPS)]


def _push(house: TriggerHouse, name: str, body: Callable[[str], Row]) -> float:
    began = time.perf_counter()
    house.inbox.drop(name, "")
    answer = house.push(body(name))
    took = time.perf_counter() - began
    assert answer.status_code == 202, answer.text
    assert len(answer.json()["dispatched"]) == 1, answer.text
    return took * 1_000


def _ticked(house: TriggerHouse, pipeline: Row) -> list[float]:
    house.tick()
    found = []
    for number in range(DROPS):
        began = time.perf_counter()
        house.inbox.drop(f"polled-{number}.done", "")
        results = house.tick_results(pipeline)
        found.append((time.perf_counter() - began) * 1_000)
        assert [each["fired"] for each in results] == [True], results
    return found


def _watched(house: TriggerHouse) -> list[float]:
    pipeline = house.pipeline("watched", trigger=waits_for("watched-*.done"))
    with house.database() as session:
        session.autocommit = True
        # The watcher takes a moment to hear of a folder that is new to it.
        _see(house, session, pipeline, "watched-first.done")
        return [_see(house, session, pipeline, f"watched-{number}.done") for number in range(DROPS)]


def _see(house: TriggerHouse, session: Any, pipeline: Row, name: str) -> float:
    before = _runs(session, pipeline)
    began = time.perf_counter()
    house.inbox.drop(name, "")
    while _runs(session, pipeline) == before:
        if time.perf_counter() - began > PATIENCE:
            raise SystemExit(f"nobody saw {name}:\n{house.running.output}")
        time.sleep(0.002)
    return (time.perf_counter() - began) * 1_000


def _runs(session: Any, pipeline: Row) -> int:
    return int(session.execute(RUNS, [pipeline["id"]]).fetchone()["count"])
