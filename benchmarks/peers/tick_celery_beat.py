"""django-celery-beat's DatabaseScheduler: ticks until nothing is due, one tick with nothing due, one after a change.

`tick_celery_beat.py DSN TASKS DUE ROUNDS` prints {"tick", "idle", "reload", "save"}, lists of ms. The broker is memory.
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import django
from celery import Celery
from django.conf import settings
from protocol import parts_of

USER, HOST, NAME = parts_of(sys.argv[1])
settings.configure(
    INSTALLED_APPS=["django_celery_beat"], USE_TZ=True, TIME_ZONE="UTC",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "USER": USER, "HOST": HOST, "NAME": NAME,
                           "CONN_MAX_AGE": None}},
)  # fmt: skip
django.setup()
logging.disable(logging.WARNING)

# Models exist only after setup.
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks  # noqa: E402
from django_celery_beat.schedulers import DatabaseScheduler  # noqa: E402

APP = Celery("bench", broker="memory://")
APP.conf.result_expires = None


def main() -> None:
    """Fill the tables, then measure."""
    tasks, due, rounds = map(int, sys.argv[2:])
    fill(tasks, due)
    scheduler = DatabaseScheduler(app=APP, lazy=False)
    drain(scheduler)
    found: dict[str, list[float]] = {"tick": [], "idle": [], "reload": [], "save": []}
    for number in range(rounds):
        make_due(due)
        found["reload"].append(timed(scheduler.tick))
        found["tick"].append(timed(partial(drain, scheduler)))
        found["idle"].append(timed(scheduler.tick))
        found["save"].append(timed(partial(change, scheduler, number, tasks)))
    print(json.dumps(found))


def fill(tasks: int, due: int) -> None:
    """Migrate, and write one crontab for each minute of the day and a task for each number."""
    call_command("migrate", verbosity=0)
    often = CrontabSchedule.objects.create(minute="*/5")
    days = CrontabSchedule.objects.bulk_create(
        CrontabSchedule(minute=str(minute % 60), hour=str(minute // 60)) for minute in range(1_440)
    )
    rows = [
        PeriodicTask(
            name=f"task-{number}", task="bench.nothing", crontab=often if number < due else days[number % 1_440],
            last_run_at=timezone.now(),
        )
        for number in range(tasks)
    ]  # fmt: skip
    PeriodicTask.objects.bulk_create(rows, batch_size=5_000)
    PeriodicTasks.update_changed()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def make_due(due: int) -> None:
    """Let the often ones have run long ago; a change, so the next tick reads everything again."""
    names = [f"task-{number}" for number in range(due)]
    PeriodicTask.objects.filter(name__in=names).update(last_run_at=timezone.now() - timedelta(minutes=10))
    PeriodicTasks.update_changed()


def drain(scheduler: DatabaseScheduler) -> None:
    """Tick until nothing is due; each tick sends one task."""
    while not scheduler.tick():
        pass


def change(scheduler: DatabaseScheduler, number: int, tasks: int) -> None:
    """Save one task as its admin does, and let the scheduler take it in."""
    task = PeriodicTask.objects.get(name=f"task-{tasks // 2}")
    task.crontab = CrontabSchedule.objects.get(minute=str(number % 60), hour="3")
    task.save()
    scheduler.tick()


def timed(work: Callable[[], object]) -> float:
    """Return how many milliseconds something takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


if __name__ == "__main__":
    main()
