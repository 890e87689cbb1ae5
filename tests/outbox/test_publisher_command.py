"""`manage.py outbox_publisher`: settings by name, one pass, the metrics port, the list of publishers."""

import io
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from kaireon.platform.loops import EXIT_FAILURES, Loop, StopSignal
from kaireon.platform.tenancy.models import Tenant
from outbox.models import PublisherProcess
from outbox.publishers.base import BackendDown
from outbox.services.history import keep_history
from outbox.tier.publisher import is_transient
from outbox.tier.scraping import serve_metrics
from outbox.tier.settings import TierSettings
from outbox.tier.timing import PublishTime
from tests.outbox.world import START, Clock, ScriptedBackend, line, make_tier, put, run_out
from tests.servers import unused_port

WRONG = [
    ("OUTBOX_POLL_INTERVAL_MS", "often"), ("OUTBOX_POLL_INTERVAL_MS", "0"), ("OUTBOX_BATCH_SIZE", "0"),
    ("OUTBOX_BATCH_SIZE", "1e3"), ("OUTBOX_LEASE_SECONDS", "-1"), ("OUTBOX_SHUTDOWN_DRAIN_TIMEOUT_MS", "x"),
    ("OUTBOX_MAX_ATTEMPTS", "0"), ("OUTBOX_HISTORY_HOURS", "-1"), ("OUTBOX_METRICS_PORT", "70000"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_wrong_setting_is_named_and_exits_with_2(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, text)

    with pytest.raises(CommandError, match=name) as refused:
        call_command("outbox_publisher", once=True)

    assert refused.value.returncode == 2


def test_an_unknown_back_end_is_named_and_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_PUBLISHER", "carrier-pigeon")

    with pytest.raises(CommandError, match="EVENT_PUBLISHER") as refused:
        call_command("outbox_publisher", once=True)

    assert refused.value.returncode == 2


def test_the_settings_have_the_documented_defaults() -> None:
    settings = TierSettings.from_environment(MountedSecretsEnv({}))

    assert (settings.poll_seconds, settings.drain_seconds, settings.batch_size) == (2, 15, 500)
    assert (settings.metrics_port, settings.history_hours, settings.max_attempts) == (9464, 24, 10)
    assert settings.liveness_file == Path("/tmp/outbox-publisher.alive")
    assert settings.publish_seconds < settings.lease_seconds


def test_the_settings_are_those_of_the_environment() -> None:
    settings = TierSettings.from_environment(
        MountedSecretsEnv({"OUTBOX_POLL_INTERVAL_MS": "250", "OUTBOX_LIVENESS_FILE": "/run/alive"})
    )

    assert (settings.poll_seconds, settings.liveness_file) == (0.25, Path("/run/alive"))


def test_one_pass_writes_what_waits_into_the_event_log(
    acme: Tenant, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KAIREON_DATA_DIR = tmp_path  # type: ignore[attr-defined]
    monkeypatch.setenv("EVENT_PUBLISHER", "log")
    put(acme.pk, *"ab")

    call_command("outbox_publisher", once=True, stdout=io.StringIO())

    (log,) = tmp_path.glob("*.jsonl")
    assert len(log.read_text().splitlines()) == 2
    assert line() == []
    assert PublisherProcess.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_one_pass_that_the_back_end_does_not_take_is_one_line_and_exit_3(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_PUBLISHER", "log")
    monkeypatch.setenv("OUTBOX_LOG_FILE", "/dev/full")
    with transaction.atomic():
        put(acme.pk, *"ab")

    with pytest.raises(CommandError, match="The event log cannot be written") as refused:
        call_command("outbox_publisher", once=True)

    assert (refused.value.returncode, len(str(refused.value).splitlines())) == (EXIT_FAILURES, 1)
    assert [(row.status, row.attempts) for row in line()] == [("pending", 0)] * 2
    assert PublisherProcess.objects.count() == 0


class TurningStop(StopSignal):
    """A stop that nobody asks for until the test's clock, which each wait turns, shows so many seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds

    def wait(self, seconds: float) -> bool:
        """Let the time pass."""
        self._clock.turn(seconds + 0.001)
        if self._clock.monotonic() > self._seconds:
            self.set()
        return self.is_set()


@pytest.mark.django_db(transaction=True)
def test_refused_credentials_end_the_publisher_with_exit_3_after_30_refusals(
    acme: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clock = Clock()
    backend = ScriptedBackend(error=BackendDown("The credentials are refused.", is_transient=False))
    tier = make_tier(backend, clock, stopping=TurningStop(clock, 3600))
    with transaction.atomic():
        put(acme.pk, "a")
    shown: set[tuple[str, str]] = set()

    def step() -> bool | None:
        answer = tier.step()
        shown.update(PublisherProcess.objects.values_list("state", "last_error"))
        return answer

    code = Loop(
        "test", step, pause=tier.pause, drain=tier.drain, is_transient=is_transient, stopping=tier.stopping,
    ).run()  # fmt: skip

    assert (code, len(backend.batches)) == (EXIT_FAILURES, 30)
    assert "loop recovered" not in caplog.messages
    assert ("backend_down", "The credentials are refused.") in shown
    assert [(row.status, row.attempts) for row in line()] == [("pending", 0)]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_waited_out_however_long_and_recovered_from_once(
    acme: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clock, backend = Clock(), ScriptedBackend(is_down=True)
    backend.during = lambda: setattr(backend, "is_down", clock.monotonic() < 340)
    tier = make_tier(backend, clock, stopping=TurningStop(clock, 360))
    with transaction.atomic():
        put(acme.pk, "a")

    code = Loop("test", tier.step, pause=tier.pause, is_transient=is_transient, stopping=tier.stopping).run()

    assert (code, backend.numbers("a"), line()) == (0, [0], [])
    assert caplog.messages.count("loop recovered") == 1


def test_a_port_that_was_chosen_and_is_taken_is_named() -> None:
    port = unused_port()
    serve_metrics(port, is_chosen=True)

    with pytest.raises(ConfigurationError, match="OUTBOX_METRICS_PORT"):
        serve_metrics(port, is_chosen=True)


def test_a_default_port_that_is_taken_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    port = unused_port()
    serve_metrics(port, is_chosen=True)

    serve_metrics(port, is_chosen=False)

    assert "outbox.metrics_port_taken" in [getattr(record, "event", "") for record in caplog.records]


def test_port_zero_serves_nothing() -> None:
    serve_metrics(0, is_chosen=True)


@pytest.mark.django_db(transaction=True)
def test_a_scrape_of_the_publishers_port_shows_the_backlog_and_leaves_no_session(acme: Tenant) -> None:
    port = unused_port()
    serve_metrics(port, is_chosen=True)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()

    assert "kaireon_outbox_pending_count 0.0" in text
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        assert cursor.fetchone()[0] <= 2


# --- The list of publishers


@pytest.mark.django_db
def test_a_publisher_is_on_the_list_while_it_lives(acme: Tenant) -> None:
    clock = Clock()
    tier = make_tier(ScriptedBackend(), clock)
    put(acme.pk, *"abc")
    run_out(tier)
    clock.turn(6)
    run_out(tier)

    row = PublisherProcess.objects.get()
    assert (row.pk, row.state, row.published_total, row.heartbeat_at) == (tier.id, "publishing", 3, clock.now)
    tier.drain()
    assert PublisherProcess.objects.count() == 0


@pytest.mark.django_db
def test_a_publisher_says_that_its_back_end_is_down_and_why(acme: Tenant) -> None:
    put(acme.pk, "a")
    clock = Clock()
    tier = make_tier(ScriptedBackend(is_down=True), clock)
    with pytest.raises(BackendDown):
        tier.step()
    tier.step()

    row = PublisherProcess.objects.get()
    assert (row.state, row.last_error, row.last_error_at) == ("backend_down", "The broker does not answer.", clock.now)


@pytest.mark.django_db
def test_publishers_that_are_gone_for_a_day_leave_the_list(acme: Tenant) -> None:
    clock = Clock()
    make_tier(ScriptedBackend(), clock).step()
    clock.turn(25 * 3600)
    other = make_tier(ScriptedBackend(), clock)
    other.step()

    other.drain()

    assert PublisherProcess.objects.count() == 0


# --- History


def partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^outbox_history_[0-9]' AND relkind = 'r'")
        return sorted(name for (name,) in cursor.fetchall())


@pytest.mark.django_db
def test_the_hour_and_the_next_have_their_partitions() -> None:
    keep_history(hours=24, now=START)
    keep_history(hours=24, now=START)

    assert partitions() == ["outbox_history_2026030208", "outbox_history_2026030209"]


@pytest.mark.django_db
def test_old_hours_are_dropped_whole() -> None:
    for hour in range(6):
        keep_history(hours=2, now=START + timedelta(hours=hour))

    assert partitions() == [f"outbox_history_20260302{hour}" for hour in ("11", "12", "13", "14")]


@pytest.mark.django_db
def test_no_history_drops_all_of_it() -> None:
    keep_history(hours=24, now=START)

    keep_history(hours=0, now=START)

    assert partitions() == []


@pytest.mark.django_db
def test_partitions_have_no_log() -> None:
    keep_history(hours=1, now=START)

    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT relpersistence FROM pg_class WHERE relname ~ '^outbox_history_[0-9]+$'")
        assert cursor.fetchall() == [("u",)]


# --- Time


def test_a_stop_shortens_a_publish_that_is_under_way() -> None:
    clock, stopping = Clock(), StopSignal()
    left = PublishTime(20, drain_seconds=5, stopping=stopping, monotonic=clock.monotonic)
    clock.turn(2)
    assert left.remaining() == 18

    stopping.set()
    assert left.remaining() == 5
    clock.turn(4)
    assert left.remaining() == 1
    clock.turn(4)
    assert left.remaining() == 0


def test_a_stop_lengthens_nothing() -> None:
    clock, stopping = Clock(), StopSignal()
    left = PublishTime(3, drain_seconds=15, stopping=stopping, monotonic=clock.monotonic)
    stopping.set()

    assert left.remaining() == 3


@pytest.mark.parametrize(
    ("error", "expected"),
    [(BackendDown("x"), True), (BackendDown("x", is_transient=False), False), (ValueError("x"), False)],
)
def test_what_is_waited_out(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected
