"""Claim: 1,000 alert rules over 10 million interactions cost one tick a handful of queries and some milliseconds.

Beside it, in the same run and on the same rows: one query per rule, and one bare grouped SQL per window and table.
The first run makes the rows, which takes some minutes, and keeps them in `.kaireon/bench`; `--rows 1000000` is quicker.
"""

import argparse
import os
import platform
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
os.environ.setdefault("KAIREON_DATA_DIR", ".kaireon/bench")

from kaireon.environment import prepare

SERVER = prepare()
django.setup()

# Models exist only after setup.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from alerts.decisions import decide  # noqa: E402
from alerts.models import AlertRule  # noqa: E402
from alerts.selectors.readings import read_rules  # noqa: E402
from alerts.selectors.snapshots import due_rules, lock_rules  # noqa: E402
from alerts.services import run_tick  # noqa: E402
from benchmarks.generators.history import make_history, make_tenants  # noqa: E402
from interactions.metrics import Aggregate, Gauge, Percentile, Ratio, Source, Total, catalogue, metric_named  # noqa: E402
from interactions.selectors import MetricRequest, read_metrics  # noqa: E402
from kaireon.platform.budget import Budget  # noqa: E402
from kaireon.platform.tenancy.models import Tenant  # noqa: E402

END = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPAN = timedelta(days=1)
FASTER_THAN_ONE_BY_ONE, WITHIN_BARE = 10, 3
METRICS = [metric for metric in catalogue() if not isinstance(metric.formula, Gauge)]


class Measure(NamedTuple):
    """The median of several runs, and the queries of one."""

    milliseconds: float
    queries: int


class Setup(NamedTuple):
    """What is measured: rules over tenants, each rule over one of the windows."""

    tenants: list[uuid.UUID]
    rules: int
    windows: list[int]
    repeat: int


def main() -> None:
    """Make what is missing, measure, print."""
    options = _options()
    settings.LOGGING_CONFIG = None
    call_command("migrate", verbosity=0)
    tenants = ready_history(options.tenants, options.rows)
    print(f"{versions()}\n{options.rows:,} interactions, {options.rows // 5:,} decisions, {options.tenants} tenants")
    for rules, windows in ((options.rules // 10, [5]), (options.rules, [5]), (options.rules, [5, 15, 60])):
        show(Setup(tenants, rules, windows, options.repeat))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="interactions; a fifth as many decisions")
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--tenants", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=9, help="runs; the median is printed")
    return parser.parse_args()


def versions() -> str:
    """Say what was measured on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
    return (
        f"Python {platform.python_version()}, Django {django.__version__}, PostgreSQL {server}, {os.cpu_count()} CPUs"
    )


def ready_history(tenants: int, rows: int) -> list[uuid.UUID]:
    """Return the benchmark's tenants; make their rows unless they are those of an earlier run."""
    if Tenant.objects.exclude(slug__startswith="bench-").exists():
        sys.exit("This database has tenants of somebody: give the benchmark one of its own.")
    ids = make_tenants(tenants)
    mark = {"bench": [rows, tenants, END.isoformat()]}
    if Tenant.objects.get(pk=ids[0]).settings != mark:
        print(f"Making {rows:,} rows …", flush=True)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE interactions_interaction, interactions_decisiontrace")
        make_history(ids, rows=rows, end=END, span=SPAN)
        Tenant.objects.filter(pk=ids[0]).update(settings=mark)
    return ids


def make_rules(setup: Setup) -> None:
    """Replace the rules: every tenant has every metric over every window, and about one rule in ten breaches."""
    AlertRule.objects.across_tenants().delete()
    rows = []
    for number in range(setup.rules):
        tenant = setup.tenants[number % len(setup.tenants)]
        kind = number // len(setup.tenants)
        metric = METRICS[(number + kind) % len(METRICS)]
        rows.append(
            AlertRule(
                tenant_id=tenant, name=f"Rule {number}", metric=metric.name, operator="gt", created_at=END,
                threshold=-1.0 if number % 10 == 0 else 1e12, updated_at=END,
                window_minutes=setup.windows[kind % len(setup.windows)],
            )
        )  # fmt: skip
    AlertRule.objects.bulk_create(rows)


# --- One query per rule: both windows of a rule in one statement, which is more than most would think of.


def one_by_one(now: datetime) -> None:
    """Evaluate each rule by its own query."""
    rules = due_rules(now=now, tenant_id=None, limit=100_000)
    with connection.cursor() as cursor:
        for rule in rules:
            width = timedelta(minutes=rule.window_minutes)
            source, columns = columns_of(rule.metric)
            cursor.execute(
                f"SELECT r.occurred_at >= %s, {columns} FROM {source.value} AS r "
                "WHERE r.tenant_id = %s AND r.occurred_at >= %s AND r.occurred_at < %s GROUP BY 1",
                [now - width, rule.tenant_id, now - 2 * width, now],
            )
            cursor.fetchall()


def columns_of(name: str) -> tuple[Source, str]:
    """Return the table of a metric and what to select from it."""
    formula = metric_named(name).formula
    if isinstance(formula, Percentile):
        return formula.source, _percentile(formula)
    aggregates = _aggregates(formula)
    return aggregates[0].source, ", ".join(aggregate.sql for aggregate in aggregates)


def _aggregates(formula: object) -> list[Aggregate]:
    if isinstance(formula, Ratio):
        return [formula.numerator, formula.denominator]
    return [formula.aggregate] if isinstance(formula, Total) else []


def _percentile(formula: Percentile) -> str:
    return f"percentile_cont({formula.fraction}) WITHIN GROUP (ORDER BY r.{formula.column})"


# --- The bare SQL: one grouped statement per window and table, all metrics in it, and nothing done with the answer.


def bare(now: datetime, windows: Sequence[int]) -> None:
    """Read every tenant's current and baseline window, each with one statement per table."""
    with connection.cursor() as cursor:
        for source in Source:
            columns = ", ".join(_columns_of_table(source))
            for minutes in windows:
                width = timedelta(minutes=minutes)
                for end in (now, now - width):
                    cursor.execute(
                        f"SELECT r.tenant_id, {columns} FROM {source.value} AS r "
                        "WHERE r.occurred_at >= %s AND r.occurred_at < %s GROUP BY 1",
                        [end - width, end],
                    )
                    cursor.fetchall()


def _columns_of_table(source: Source) -> list[str]:
    aggregates = dict.fromkeys(aggregate for metric in METRICS for aggregate in _aggregates(metric.formula))
    percentiles = dict.fromkeys(metric.formula for metric in METRICS if isinstance(metric.formula, Percentile))
    return [
        *(aggregate.sql for aggregate in aggregates if aggregate.source is source),
        *(_percentile(formula) for formula in percentiles if formula.source is source),
    ]


# --- Ours


def read_only(now: datetime) -> None:
    """Ask for the metrics of all rules."""
    requests = []
    for rule in AlertRule.objects.across_tenants().values_list("tenant_id", "metric", "window_minutes"):
        current = MetricRequest.ending(rule[0], rule[1], now, timedelta(minutes=rule[2]))
        requests += [current, current.preceding()]
    read_metrics(requests)


def evaluate(now: datetime) -> None:
    """Read rules, metrics and states under lock, and decide: everything of a tick but the writing."""
    due = due_rules(now=now, tenant_id=None, limit=100_000)
    readings = read_rules(due, now)
    with transaction.atomic():
        for rule in lock_rules([rule.id for rule in due], now):
            decide(rule.snapshot, readings[rule.id], now)


def whole_tick(now: datetime) -> None:
    """Run the tick itself, writes and deliveries included."""
    tick = run_tick(now=now, budget=Budget(600))
    assert not tick.errors, tick.errors[0]


def measure(work: Callable[[datetime], None], repeat: int, first: datetime) -> Measure:
    """Run the work once to warm up and then `repeat` times, each a second later than the one before."""
    with CaptureQueriesContext(connection) as queries:
        work(first)
    times = []
    for number in range(1, repeat + 1):
        now = first + timedelta(seconds=number)
        started = time.perf_counter()
        work(now)
        times.append((time.perf_counter() - started) * 1000)
    return Measure(statistics.median(times), len(queries))


def show(setup: Setup) -> None:
    """Measure every way and print the table."""
    make_rules(setup)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) alerts_alertrule")
    start = END - timedelta(minutes=2)
    single = measure(one_by_one, max(3, setup.repeat // 3), start)
    grouped = measure(lambda now: bare(now, setup.windows), setup.repeat, start)
    reading = measure(read_only, setup.repeat, start)
    evaluation = measure(evaluate, setup.repeat, start)
    tick = measure(whole_tick, setup.repeat, start)
    print(f"\n{setup.rules:,} rules, windows of {', '.join(map(str, setup.windows))} minutes and their baselines")
    print(f"{'':42}{'ms':>9}{'queries':>9}")
    rows: list[tuple[str, Any]] = [
        ("one query per rule", single),
        ("one bare grouped SQL per window and table", grouped),
        ("Kaireon: read the metrics", reading),
        ("Kaireon: evaluation (read and decide)", evaluation),
        ("Kaireon: whole tick (with all writes)", tick),
    ]
    for label, found in rows:
        print(f"{label:42}{found.milliseconds:9.1f}{found.queries:9,}")
    faster, within = single.milliseconds / evaluation.milliseconds, evaluation.milliseconds / grouped.milliseconds
    print(f"evaluation: {faster:.1f} times faster than one query per rule (mark: {FASTER_THAN_ONE_BY_ONE})")
    print(f"evaluation: {within:.2f} times the bare grouped SQL (mark: at most {WITHIN_BARE})")


if __name__ == "__main__":
    try:
        main()
    finally:
        if SERVER is not None:
            connection.close()
            SERVER.stop()
