"""The worker's command: one pass, and what its step reports to the loop."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from kaireon.management.commands.run_worker import step
from kaireon.platform.loops import EXIT_FAILURES, Loop
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.metrics import DELIVERIES
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import breach, fresh, make_rule, make_webhook, tick
from tests.notifications.ledger import make_destination, open_one, reload
from tests.servers import Receiver, Reply


def test_one_pass_delivers_what_is_due(acme: Tenant, receiver: Receiver) -> None:
    row = open_one(make_destination(acme, receiver), now=timezone.now())

    call_command("run_worker", "--once")

    assert reload(row).state == State.DELIVERED


def test_a_step_tells_the_loop_whether_there_was_work(acme: Tenant, receiver: Receiver) -> None:
    open_one(make_destination(acme, receiver), now=timezone.now())

    assert [step(), step()] == [True, False]


def test_a_worker_does_only_the_parts_that_it_is_told_to(acme: Tenant, receiver: Receiver) -> None:
    row = open_one(make_destination(acme, receiver), now=timezone.now())

    call_command("run_worker", "--once", "--only", "reports,flows")
    untouched = reload(row).state
    call_command("run_worker", "--once", "--only", "messages")

    assert (untouched, reload(row).state) == (State.PENDING, State.DELIVERED)


def test_a_part_that_there_is_none_of_is_named() -> None:
    with pytest.raises(CommandError, match="'letters' is none of messages, reports, flows"):
        call_command("run_worker", "--once", "--only", "letters")


def test_attempts_are_counted_by_kind_and_state(acme: Tenant, receiver: Receiver) -> None:
    counter = DELIVERIES.labels("webhook", "delivered")
    before = counter._value.get()
    open_one(make_destination(acme, receiver), now=timezone.now())

    step()

    assert counter._value.get() == before + 1


def test_a_loop_that_gives_up_is_the_commands_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Loop, "run", lambda self: EXIT_FAILURES)

    with pytest.raises(SystemExit) as stopped:
        call_command("run_worker", "--liveness-file", str(tmp_path / "alive"))

    assert stopped.value.code == EXIT_FAILURES


def test_a_firing_that_only_a_retry_brought_home_shows_as_last_fired_at_once(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=503)
    now = timezone.now()
    breach(acme, at=now)
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    tick(now)
    held_back = fresh(rule).last_fired_at
    pager.script = lambda got: Reply()
    Delivery.objects.for_tenant(acme).update(next_attempt_at=now)

    step()

    assert held_back is None
    assert fresh(rule).last_fired_at == now
