"""The clockwork in real web servers: one per replica, taken over, refused, off, in production, through a restart."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.chaos.own_server import OwnServer, own_server
from tests.chaos.processes import wait_until
from tests.chaos.replicas import PATIENCE, Replica, serving
from tests.servers import Got, Receiver, Reply, receiving
from triggers.models import SchedulerTick
from triggers.services.ticker import ROUTE

__all__ = ["own_server"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.django_db(transaction=True)]
SECRET = "s" * 40
PRODUCTION = {
    "KAIREON_ENV": "production", "KAIREON_TESTING": "", "PUBLIC_URL": "https://kaireon.example.com",
    "CRON_SECRET": f"{SECRET},old-{SECRET}", "CRON_TOKEN": SECRET, "SECRET_KEY": "k" * 60,
}  # fmt: skip


@pytest.fixture
def recorder() -> Iterator[Receiver]:
    """Return a server that takes ticks and does nothing."""
    with receiving() as receiver:
        yield receiver


def to(recorder: Receiver) -> dict[str, str]:
    """Return the environment of a replica whose ticks go there."""
    return {"FLOW_INTERNAL_SCHEDULER_BASE_URL": recorder.url("")}


def tickers(recorder: Receiver) -> list[str]:
    """Return who ticked, one entry a tick."""
    return [got.headers["x-kaireon-ticker"] for got in list(recorder.got)]


def pid_of(ticker: str) -> int:
    """Return the process of a ticker."""
    return int(ticker.rpartition(":")[2])


def test_one_of_three_workers_ticks_and_another_takes_over_when_it_is_killed(
    recorder: Receiver, tmp_path: Path
) -> None:
    replica = Replica(tmp_path, workers=3, environment=to(recorder))
    with serving(replica):
        wait_until(lambda: len(tickers(recorder)) >= 3, timeout=PATIENCE)
        (first,) = set(tickers(recorder))

        replica.kill_worker(pid_of(first))
        wait_until(lambda: set(tickers(recorder)) - {first}, timeout=15)
        wait_until(lambda: tickers(recorder)[-3:].count(tickers(recorder)[-1]) == 3, timeout=15)

        assert pid_of(tickers(recorder)[-1]) in replica.worker_pids()
    assert recorder.most_concurrent == 1
    assert {got.path for got in recorder.got} == {ROUTE}


@pytest.mark.parametrize("is_under_way", [False, True])
def test_a_stop_ends_it_at_once_also_in_the_middle_of_a_tick(
    recorder: Receiver, tmp_path: Path, *, is_under_way: bool
) -> None:
    let_go = threading.Event()

    def script(got: Got) -> Reply:
        let_go.wait(30 if is_under_way else 0)
        return Reply()

    recorder.script = script
    replica = Replica(tmp_path, workers=2, environment=to(recorder))
    with serving(replica):
        wait_until(lambda: tickers(recorder), timeout=PATIENCE)
        code = replica.stop(timeout=4)
        let_go.set()

    assert code == 0, replica.log_text
    assert "Traceback" not in replica.log_text
    assert "FATAL" not in replica.log_text


@pytest.mark.parametrize(
    ("variables", "event"),
    [
        pytest.param({"CRON_SECRET": ""}, "clockwork.refused", id="no secret"),
        pytest.param({"CRON_SECRET": " , "}, "clockwork.refused", id="a list of nothing"),
        pytest.param({"FLOW_INTERNAL_SCHEDULER_ENABLED": "false"}, "clockwork.off", id="off"),
    ],
)
def test_it_does_not_tick_and_says_why(
    recorder: Receiver, tmp_path: Path, variables: dict[str, str], event: str
) -> None:
    replica = Replica(tmp_path, environment=to(recorder) | variables)

    with serving(replica):
        (said,) = replica.events(event)

    assert said["level"] == ("INFO" if event == "clockwork.off" else "WARNING")
    assert not list(tmp_path.glob("clockwork-*.lock"))
    assert recorder.got == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLOW_SCHEDULER_INTERVAL_MS", "999"),
        ("FLOW_SCHEDULER_INTERVAL_MS", "often"),
        ("FLOW_INTERNAL_SCHEDULER_ENABLED", "perhaps"),
        ("FLOW_INTERNAL_SCHEDULER_BASE_URL", "ftp://here"),
    ],
)
def test_a_setting_that_is_wrong_stops_the_start_in_plain_words(tmp_path: Path, name: str, value: str) -> None:
    replica = Replica(tmp_path, environment={name: value}).start()
    try:
        wait_until(lambda: f"{name} must be" in replica.log_text, timeout=PATIENCE)
    finally:
        replica.kill()


def test_a_production_server_ticks_itself_though_only_its_public_name_is_allowed(tmp_path: Path) -> None:
    replica = Replica(tmp_path, environment=PRODUCTION)
    with serving(replica):
        wait_until(lambda: SchedulerTick.objects.filter(source="ticker").count() >= 2, timeout=PATIENCE)

    assert replica.events("ticker.failing") == []
    (one, *_) = SchedulerTick.objects.filter(source="ticker").values_list("ticker", flat=True)
    assert ":" in one


def test_what_cuts_the_ticks_is_told_once_and_without_the_secret(recorder: Receiver, tmp_path: Path) -> None:
    variables = PRODUCTION | {"CRON_SECRET": SECRET} | to(recorder)
    recorder.script = lambda got: None
    replica = Replica(tmp_path, environment=variables)
    with serving(replica):
        wait_until(lambda: len(recorder.got) >= 3, timeout=PATIENCE)

    (said,) = replica.events("ticker.failing")
    assert SECRET not in replica.log_text
    assert "connection was cut" in said["reason"]


@pytest.mark.chaos
@pytest.mark.parametrize("manner", ["fast", "immediate"])
def test_it_goes_on_ticking_after_the_database_restarted(own_server: OwnServer, tmp_path: Path, manner: str) -> None:
    replica = Replica(tmp_path, environment={"DATABASE_URL": own_server.url})
    with serving(replica):
        wait_until(lambda: ticks_in(own_server) >= 1, timeout=PATIENCE)
        own_server.restart(manner)
        before = ticks_in(own_server)
        wait_until(lambda: ticks_in(own_server) >= before + 3, timeout=PATIENCE)

    failing, recovered = replica.events("ticker.failing"), replica.events("ticker.recovered")
    assert len(failing) <= 1
    assert len(recovered) == len(failing)


def ticks_in(server: OwnServer) -> int:
    """Return how many ticks that database knows of."""
    with psycopg.connect(server.url) as session:
        row = session.execute("SELECT count(*) FROM triggers_schedulertick").fetchone()
    assert row is not None
    return int(row[0])
