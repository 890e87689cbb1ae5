"""A file by every way, and by all at once: pushed, seen by inotify, found by a tick, on two serving processes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.running import REPOSITORY, clean_environment
from tests.journeys.trigger_house import PUSH, TICK, Row, TriggerHouse, trigger_house, waits_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
# What is promised is a second; a busy machine that runs the whole suite may take longer to answer at all.
SOON = 5.0
PATIENCE = 30.0


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TriggerHouse]:
    with trigger_house("s3", tmp_path_factory.mktemp("pushed") / "data", WEB_PROCESSES="2") as house:
        yield house


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TriggerHouse]:
    watching = {"FLOW_INTERNAL_SCHEDULER_ENABLED": "true", "FLOW_SCHEDULER_INTERVAL_MS": "3600000"}
    with trigger_house("local_fs", tmp_path_factory.mktemp("watched") / "data", WEB_PROCESSES="2", **watching) as house:
        yield house


def _waiting(house: TriggerHouse, name: str) -> Row:
    return house.pipeline(name, table="orders", trigger=waits_for(f"{name}*.done"))


def _first_run(house: TriggerHouse, pipeline: Row) -> tuple[Row, float]:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if runs := house.runs(pipeline):
            return runs[0], time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError(f"no run:\n{house.running.output}")


def _envelope(key: str) -> Row:
    return {"detail": {"bucket": {"name": "acme-orders"}, "object": {"key": key}}}


def _settled(house: TriggerHouse, pipeline: Row) -> list[Row]:
    """Return the runs of a pipeline when they have ended, and nothing more has come."""
    for run in house.runs(pipeline):
        house.ended(pipeline, run["id"])
    house.tick()
    return house.runs(pipeline)


def test_a_pushed_file_has_its_run_when_the_push_is_answered(bucket: TriggerHouse) -> None:
    pipeline = _waiting(bucket, "pushed")
    began = time.monotonic()
    bucket.inbox.drop("pushed.done", "")

    answer = bucket.push(_envelope("inbox/pushed.done"))

    assert (answer.status_code, time.monotonic() - began < SOON) == (202, True), answer.text
    assert [each["pipelineId"] for each in answer.json()["dispatched"]] == [pipeline["id"]]


def test_a_file_in_a_watched_folder_has_its_run_without_a_tick(folder: TriggerHouse) -> None:
    pipeline = _waiting(folder, "watched")
    _until_watching(folder)
    folder.inbox.drop("watched.done", "")

    run, seconds = _first_run(folder, pipeline)

    assert run["triggerSource"] == "file_arrival"
    assert seconds < SOON
    (row,) = folder.occurrences(pipeline)
    assert (row["outcome"], row["via"]) == ("fired", "inotify")


def test_a_watcher_of_its_own_process_sees_files_too(
    bucket: TriggerHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("apart") / "data"
    with trigger_house("local_fs", data) as house:
        environment = clean_environment(data)
        command = [sys.executable, "manage.py", "watch_files"]
        pipeline = _waiting(house, "apart")
        watcher = subprocess.Popen(command, cwd=REPOSITORY, env=environment)
        try:
            _until_watching(house)
            house.inbox.drop("apart-1.done", "")
            run, _ = _first_run(house, pipeline)
        finally:
            watcher.terminate()
            ended = watcher.wait(20)

    assert (run["triggerSource"], ended) == ("file_arrival", 0)


def _until_watching(house: TriggerHouse) -> None:
    """Drop files for another pipeline until a watcher sees one: the first tick is over then, and the folder watched."""
    probe = _waiting(house, "probe")
    end = time.monotonic() + PATIENCE
    while not any(each["via"] == "inotify" for each in house.occurrences(probe)):
        assert time.monotonic() < end, house.running.output
        house.inbox.drop(f"probe-{time.monotonic_ns()}.done", "")
        time.sleep(0.3)


@pytest.mark.parametrize("round_number", range(3))
def test_pushes_redelivered_and_ticks_at_one_moment_start_one_run(bucket: TriggerHouse, round_number: int) -> None:
    name = f"once-{round_number}"
    pipeline = _waiting(bucket, name)
    bucket.inbox.drop(f"{name}.done", "")
    native = {"pipelineId": pipeline["id"], "tenantId": pipeline["tenantId"], "objectKey": f"inbox/{name}.done"}
    with ThreadPoolExecutor(8) as threads:
        pushes = [threads.submit(bucket.push, body) for body in [native, _envelope(f"inbox/{name}.done")] * 3]
        for _ in range(2):
            threads.submit(bucket.tick)

    answers = [each.result() for each in pushes]

    assert {each.status_code for each in answers} <= {200, 202}, [each.text for each in answers]
    assert sum(len(each.json()["dispatched"]) for each in answers) <= 1
    assert len(_settled(bucket, pipeline)) == 1
    (row,) = bucket.occurrences(pipeline)
    assert row["outcome"] == "fired"


def test_a_watcher_a_push_and_a_tick_at_one_moment_start_one_run(folder: TriggerHouse) -> None:
    pipeline = _waiting(folder, "all")
    native = {"pipelineId": pipeline["id"], "tenantId": pipeline["tenantId"], "objectKey": "dropped/all.done"}
    folder.inbox.drop("all.done", "")
    with ThreadPoolExecutor(4) as threads:
        calls = [("POST", PUSH, native), ("GET", TICK, None)] * 2
        sent = [threads.submit(folder.cron, method, path, body) for method, path, body in calls]
    _first_run(folder, pipeline)

    assert {each.result().status_code for each in sent} <= {200, 202}, [each.result().text for each in sent]
    assert len(_settled(folder, pipeline)) == 1
