"""`make run` ticks by itself: a saved schedule fires, a dropped file too, and Ctrl-C ends all of it."""

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.flows.pipeline_world import orders_ir
from tests.journeys.running import Running, free_port, start
from tests.journeys.test_make_run import processes_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def runs_of(running: Running, pipeline: str) -> list[dict[str, Any]]:
    """Return the runs of a pipeline, newest first."""
    answer = requests.get(f"{running.address}/api/v1/pipelines/{pipeline}/runs", headers=key_of(running), timeout=10)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def key_of(running: Running) -> dict[str, str]:
    """Return the header of the demo's key."""
    return {"X-API-Key": running.secret("KAIREON_API_KEY")}


def saved(running: Running, name: str, **timing: Any) -> str:
    """Save a pipeline, which publishes it, and return its id."""
    ir = orders_ir(id=name, **timing)
    ir["nodes"][0]["config"]["path"] = f"{name}/"
    answer = requests.post(
        f"{running.address}/api/v1/pipelines", headers=key_of(running), json={"name": name, "ir": ir}, timeout=20
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def sources_of(running: Running, pipeline: str, seconds: float = 30) -> list[str]:
    """Return what triggered the runs of a pipeline, as soon as there are any."""
    ends = time.monotonic() + seconds
    while not (runs := runs_of(running, pipeline)):
        assert time.monotonic() < ends, running.output
        time.sleep(0.2)
    return [run["triggerSource"] for run in runs]


def test_what_is_saved_fires_without_anybody_ticking_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    running = start(
        folder, free_port(), FLOW_INTERNAL_SCHEDULER_ENABLED="true", FLOW_SCHEDULER_INTERVAL_MS="1000"
    )  # fmt: skip
    try:
        running.wait_until_serving()
        scheduled = saved(running, "nightly", schedule={"kind": "cron", "expression": "* * * * *"})
        by_clock = sources_of(running, scheduled)
        inbox = folder / "files" / "demo" / "arriving"
        waiting = saved(
            running, "arriving", trigger={"kind": "file_arrival", "sourceId": "src", "stableSeconds": 0}
        )  # fmt: skip
        for each in (inbox, folder / "files" / "arriving"):
            each.mkdir(parents=True, exist_ok=True)
            (each / "orders.csv").write_text("order_id,customer,amount\n1,Ann,10.5\n")
        by_file = sources_of(running, waiting)
    finally:
        code = running.interrupt()

    assert by_clock[0] == "schedule"
    assert by_file == ["file_arrival"]
    assert "ticks by itself every 1 s" in running.output
    assert "ticker.failing" not in running.output
    assert (code, processes_of(folder)) == (0, [])
