"""Claim: with 200 schedules due at the same minute, what keeps each report sent once costs no more than making it.

Twenty tenants with 30 days of history, ten schedules each: three sections, words, PDF and CSV. Reports a minute of one
tick that makes and delivers all of them over HTTP, of two ticks side by side, and, as the limit, of a bare loop that
asks the same questions and writes the same files, with no claim, no kept file and no delivery.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
os.environ["KAIREON_DATA_DIR"] = str(ROOT / ".kaireon" / "bench" / "reports-due")
os.environ["LOG_LEVEL"] = "WARNING"
if "REPORTS_DUE_TICK" not in os.environ:
    os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_FILE"] = ""

from kaireon.environment import prepare  # noqa: E402 - reads the variables above

SERVER = None if "REPORTS_DUE_TICK" in os.environ else prepare()
django.setup()

# Models exist only after setup.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.outbox_lab import lab  # noqa: E402
from interactions.services import generate_demo  # noqa: E402
from kaireon.platform.budget import Budget  # noqa: E402
from kaireon.platform.notifications.models import Delivery  # noqa: E402
from kaireon.platform.notifications.services import create_destination  # noqa: E402
from kaireon.platform.tenancy.actors import SYSTEM  # noqa: E402
from kaireon.platform.tenancy.guardrails import KEY  # noqa: E402
from kaireon.platform.tenancy.models import Tenant  # noqa: E402
from kaireon.platform.tenancy.services import create_tenant  # noqa: E402
from reports.models import ReportOccurrence, ReportRun, ReportSchedule  # noqa: E402
from reports.narration import narrate_plainly  # noqa: E402
from reports.renderers import render  # noqa: E402
from reports.selectors.templates import definition_of  # noqa: E402
from reports.services import create_schedule, create_template, run_tick  # noqa: E402
from reports.sources import Spool, build_document  # noqa: E402
from tests.servers import receiving  # noqa: E402

TENANTS, SCHEDULES, DAYS, PER_DAY = 20, 10, 30, 100
SOURCES = ("offer_performance", "channel_effectiveness", "daily_trend")
FORMATS = ["pdf", "csv"]


def main() -> None:
    """Measure the loop, one tick and two, in turns, and print the medians."""
    rounds = _options().rounds
    print(lab.versions(with_peers=False))
    with receiving() as receiver:
        os.environ["NOTIFICATIONS_ALLOWED_HOSTS"] = receiver.place
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [receiver.place]
        _fill(receiver.url("/hook"))
        seconds: dict[str, list[float]] = {"bare loop": [], "one tick": [], "two ticks side by side": []}
        for _ in range(rounds):
            seconds["bare loop"].append(_timed(_bare))
            seconds["one tick"].append(_ticked(1, receiver))
            seconds["two ticks side by side"].append(_ticked(2, receiver))
    print(f"\n{f'{TENANTS * SCHEDULES} reports, median of {rounds}':34}{'seconds':>9}{'reports a minute':>18}")
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, median in medians.items():
        print(f"{name:34}{median:9.2f}{TENANTS * SCHEDULES * 60 / median:18,.0f}")
    print(f"one tick / bare loop: {medians['bare loop'] / medians['one tick']:.2f} of its reports a minute")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is printed")
    return parser.parse_args()


def _fill(hook: str) -> None:
    call_command("migrate", verbosity=0)
    call_command("flush", verbosity=0, interactive=False)
    now = timezone.now()
    for number in range(TENANTS):
        tenant = create_tenant(name=f"Bench {number}", now=now)
        tenant.settings = {KEY: {"notificationsPerHour": 1_000_000}}
        tenant.save(update_fields=["settings"])
        generate_demo(tenant=tenant, days=DAYS, per_day=PER_DAY, seed=number, now=now)
        where = create_destination(
            tenant_id=tenant.pk, kind="webhook", name="Hook", config={"url": hook}, enabled=True, actor=SYSTEM, now=now
        )
        for each in range(SCHEDULES):
            _schedule(tenant, f"Report {each}", str(where.pk), now)


def _schedule(tenant: Tenant, name: str, destination: str, now: datetime) -> None:
    sources = [{"sourceKey": key, "params": {"days": DAYS}} for key in SOURCES]
    template: dict[str, Any] = {"name": name, "data_sources": sources, "formats": FORMATS}
    made = create_template(tenant=tenant, values=template, actor=SYSTEM, now=now)
    values = {
        "template_id": made.pk, "name": name, "cron_expression": "0 8 * * *", "timezone": "Europe/Berlin",
        "destination_ids": [uuid.UUID(destination)],
    }  # fmt: skip
    create_schedule(tenant=tenant, values=values, actor=SYSTEM, now=now)


def _timed(work: Any) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _bare() -> None:
    """Ask and write, as the runner does, and keep nothing."""
    now = timezone.now()
    for schedule in ReportSchedule.objects.across_tenants().select_related("template", "tenant"):
        with Spool() as spool:
            document = build_document(
                definition_of(schedule.template), tenant=schedule.tenant, data_until=now, generated_at=now,
                zone=schedule.timezone, spool=spool,
            )  # fmt: skip
            narrate_plainly(document)
            for form in FORMATS:
                render(document, form, io.BytesIO())


def _ticked(processes: int, receiver: Any) -> float:
    """Make everything due and let ticks work it off; check that each report was made and told once."""
    now = timezone.now()
    ReportOccurrence.objects.across_tenants().delete()
    ReportRun.objects.across_tenants().delete()
    Delivery.objects.across_tenants().delete()
    ReportSchedule.objects.across_tenants().update(next_run_at=now - timedelta(seconds=1))
    before = len(receiver.got)
    if processes == 1:
        took = _timed(lambda: run_tick(now=timezone.now(), budget=Budget(3600)))
    else:
        took = max(_in_processes(processes))
    runs = ReportRun.objects.across_tenants().filter(status="completed").count()
    assert (runs, len(receiver.got) - before) == (TENANTS * SCHEDULES,) * 2, (runs, len(receiver.got) - before)
    return took


def _in_processes(count: int) -> list[float]:
    """Start ticks that wait for a word, say it to all at once, and return the seconds of each."""
    environment = {**os.environ, "REPORTS_DUE_TICK": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, __file__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    return [float(json.loads(each.communicate()[0])) for each in started]


def _tick_when_told() -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    print(_timed(lambda: run_tick(now=timezone.now(), budget=Budget(3600))))


if __name__ == "__main__":
    try:
        _tick_when_told() if SERVER is None else main()
    finally:
        if SERVER is not None:
            SERVER.stop()
