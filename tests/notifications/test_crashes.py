"""Done-point 2 of the delivery ledger: a real process is killed at each boundary, and no destination is told twice.

The boundaries are seen from outside: a lock that this test holds, or a server that does not answer yet. The product
holds nothing for these tests.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from kaireon.platform.notifications.decisions import STOPPED_BEFORE_ANSWER, State
from kaireon.platform.notifications.models import Delivery, DeliveryAttempt, Destination
from kaireon.platform.notifications.services import open_deliveries, resend_delivery
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.notifications.ledger import make_destination, reload, request
from tests.servers import Got, Receiver, Reply, new_authority, receiving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.chaos]
PATIENCE = 30.0


class Workers:
    """Start real `manage.py run_worker` processes against the test's database, and leave none behind."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker; `--once` unless told otherwise."""
        command = [sys.executable, "manage.py", "run_worker", *(arguments or ("--once",))]
        process = subprocess.Popen(
            command,
            cwd=django_settings.BASE_DIR,
            env=os.environ | environment_of_the_test() | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    def finish(self, *arguments: str, **environment: str) -> None:
        """Start a worker and wait until it has ended well."""
        ended_well(self.start(*arguments, **environment))

    def stop(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
            if process.stderr is not None:
                process.stderr.close()


def environment_of_the_test() -> dict[str, str]:
    database = connection.settings_dict
    url = f"postgres://{database['USER']}@{quote(database['HOST'], safe='')}/{database['NAME']}"
    return {"DATABASE_URL": url, "NOTIFICATIONS_ALLOWED_HOSTS": ",".join(django_settings.NOTIFICATIONS_ALLOWED_HOSTS)}


@pytest.fixture
def workers() -> Iterator[Workers]:
    running = Workers()
    yield running
    running.stop()


def ended_well(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors.decode()


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        # Within a transaction PostgreSQL would go on showing what it showed first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def somebody_waits_for_a_lock() -> bool:
    return waiting_for_a_lock() > 0


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Hold a table, so that a process stops in front of it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def open_now(destination: Destination) -> Delivery:
    with transaction.atomic():
        return open_deliveries([request(destination)], timezone.now())[0]


def let_the_leases_run_out() -> None:
    moment = timezone.now()
    Delivery.objects.across_tenants().filter(state=State.SENDING).update(lease_until=moment)


def outcomes(row: Delivery) -> list[str]:
    attempts = DeliveryAttempt.objects.for_tenant(row.tenant_id).filter(delivery=row).order_by("number")
    return list(attempts.values_list("outcome", flat=True))


def test_killed_before_the_claim_it_is_delivered_once_by_the_next(
    acme: Tenant, receiver: Receiver, workers: Workers
) -> None:
    row = open_now(make_destination(acme, receiver))
    with locked("notifications_delivery"):
        process = workers.start()
        wait_until(somebody_waits_for_a_lock)
        kill(process)

    assert reload(row).state == State.PENDING
    workers.finish()
    workers.finish()

    assert reload(row).state == State.DELIVERED
    assert len(receiver.got) == 1


def test_killed_after_the_claim_and_before_sending_it_is_delivered_once_by_the_next(
    acme: Tenant, receiver: Receiver, workers: Workers
) -> None:
    row = open_now(make_destination(acme, receiver))
    # The secrets are read after the claim has been committed, and before anything leaves.
    with locked("vault_platformsetting"):
        process = workers.start()
        wait_until(somebody_waits_for_a_lock)
        claimed = reload(row)
        kill(process)

    assert (claimed.state, claimed.sending_at) == (State.SENDING, None)
    workers.finish()
    assert receiver.got == []
    let_the_leases_run_out()
    workers.finish()
    workers.finish()

    assert reload(row).state == State.DELIVERED
    assert outcomes(row) == ["delivered"]
    assert len(receiver.got) == 1


def test_killed_in_the_middle_of_the_request_it_is_unknown_and_is_not_sent_again(
    acme: Tenant, receiver: Receiver, workers: Workers
) -> None:
    never = threading.Event()
    receiver.script = lambda got: Reply() if never.wait(PATIENCE) else None
    destination = make_destination(acme, receiver)
    row = open_now(destination)
    process = workers.start()
    wait_until(lambda: len(receiver.got) == 1)
    kill(process)
    never.set()

    let_the_leases_run_out()
    workers.finish()
    workers.finish()

    ended = reload(row)
    assert (ended.state, ended.error) == (State.UNKNOWN, STOPPED_BEFORE_ANSWER)
    assert outcomes(row) == ["unknown"]
    assert len(receiver.got) == 1
    assert Destination.objects.for_tenant(acme).get().state == "failing"


def test_killed_after_the_answer_and_before_the_outcome_it_is_unknown_and_is_not_sent_again(
    acme: Tenant, receiver: Receiver, workers: Workers
) -> None:
    may_answer = threading.Event()
    receiver.script = lambda got: Reply() if may_answer.wait(PATIENCE) else None
    row = open_now(make_destination(acme, receiver))
    process = workers.start()
    wait_until(lambda: len(receiver.got) == 1)
    with transaction.atomic():
        Delivery.objects.for_tenant(acme).select_for_update().get(pk=row.pk)
        may_answer.set()
        wait_until(somebody_waits_for_a_lock)
        kill(process)

    let_the_leases_run_out()
    workers.finish()
    workers.finish()

    assert reload(row).state == State.UNKNOWN
    assert len(receiver.got) == 1


def test_killed_after_the_outcome_nothing_is_sent_again(acme: Tenant, receiver: Receiver, workers: Workers) -> None:
    row = open_now(make_destination(acme, receiver))
    process = workers.start("--idle-seconds", "60")
    wait_until(lambda: reload(row).state == State.DELIVERED)
    kill(process)

    workers.finish()

    assert outcomes(row) == ["delivered"]
    assert len(receiver.got) == 1


def test_of_many_destinations_those_that_answered_got_it_once_and_the_cut_off_one_is_unknown(
    acme: Tenant, receiver: Receiver, workers: Workers
) -> None:
    never = threading.Event()

    def script(got: Got) -> Reply | None:
        return Reply() if got.path != "/stuck" or never.wait(PATIENCE) else None

    receiver.script = script
    stuck = open_now(make_destination(acme, receiver, path="/stuck"))
    rows = [open_now(make_destination(acme, receiver, name=f"Hook {n}", path=f"/hook/{n}")) for n in range(6)]
    process = workers.start()
    wait_until(lambda: all(reload(row).state == State.DELIVERED for row in rows))
    wait_until(lambda: any(got.path == "/stuck" for got in receiver.got))
    kill(process)
    never.set()

    let_the_leases_run_out()
    workers.finish()

    assert reload(stuck).state == State.UNKNOWN
    assert sorted(got.path for got in receiver.got) == sorted(["/stuck", *(f"/hook/{n}" for n in range(6))])


def test_two_processes_at_once_deliver_each_message_once(acme: Tenant, receiver: Receiver, workers: Workers) -> None:
    receiver.script = slow
    destinations = [make_destination(acme, receiver, name=f"Hook {number}") for number in range(10)]
    with transaction.atomic():
        rows = open_deliveries([request(row) for row in destinations for _ in range(6)], timezone.now())
    with locked("notifications_delivery"):
        both = [workers.start(), workers.start()]
        wait_until(lambda: waiting_for_a_lock() == 2)

    for process in both:
        ended_well(process)

    assert {reload(row).state for row in rows} == {State.DELIVERED}
    assert sorted(got.headers["webhook-id"] for got in receiver.got) == sorted(str(row.pk) for row in rows)


def slow(got: Got) -> Reply:
    time.sleep(0.05)
    return Reply()


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_begun(
    acme: Tenant, receiver: Receiver, workers: Workers, tmp_path: Path
) -> None:
    may_answer = threading.Event()
    receiver.script = lambda got: Reply() if may_answer.wait(PATIENCE) else None
    row = open_now(make_destination(acme, receiver))
    liveness = tmp_path / "alive"
    process = workers.start("--idle-seconds", "1", "--liveness-file", str(liveness))
    wait_until(lambda: len(receiver.got) == 1)
    process.send_signal(signal.SIGTERM)
    may_answer.set()

    ended_well(process)

    assert reload(row).state == State.DELIVERED
    assert liveness.exists()


def test_what_is_unknown_can_be_sent_again_by_a_person(acme: Tenant, receiver: Receiver, workers: Workers) -> None:
    receiver.script = lambda got: None
    row = open_now(make_destination(acme, receiver))
    workers.finish()
    receiver.script = lambda got: Reply()

    again = resend_delivery(tenant_id=acme.pk, delivery_id=row.pk, actor=SYSTEM, now=timezone.now())

    assert reload(row).state == State.UNKNOWN
    assert again.state == State.DELIVERED
    assert len(receiver.got) == 2


def test_a_real_process_delivers_over_https_to_an_authority_that_it_is_told_to_trust(
    acme: Tenant, workers: Workers, settings: Settings, tmp_path: Path
) -> None:
    authority = new_authority()
    bundle = tmp_path / "authority.pem"
    authority.authority.cert_pem.write_to_path(str(bundle))
    with receiving(tls=authority.server_context("127.0.0.1")) as receiver:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [receiver.place]
        row = open_now(make_destination(acme, receiver))

        workers.finish(SSL_CERT_FILE=str(bundle))

        assert reload(row).state == State.DELIVERED
        assert receiver.got[0].headers["webhook-id"] == str(row.pk)
