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
from collections.abc import Callable, Mapping, Sequence
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

from alerts.decisions import Reading, decide  # noqa: E402
from alerts.models import AlertRule  # noqa: E402
from alerts.selectors.readings import read_rules  # noqa: E402
from alerts.selectors.snapshots import DueRule, due_rules, lock_rules  # noqa: E402
from alerts.services import run_tick  # noqa: E402
from benchmarks.generators.history import make_history, make_tenants  # noqa: E402
from interactions.metrics import Aggregate, Gauge, Percentile, Ratio, Source, Total, catalogue, metric_named  # noqa: E402
from kaireon.platform.budget import Budget  # noqa: E402
from kaireon.platform.tenancy.models import Tenant  # noqa: E402

END = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPAN = timedelta(days=1)
METRICS = [metric for metric in catalogue() if not isinstance(metric.formula, Gauge)]


Work = Callable[[datetime], None]


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
    show(Setup(tenants, options.rules // 10, [5], options.repeat), is_the_claim=False)
    show(Setup(tenants, options.rules, [5], options.repeat), is_the_claim=True)
    # Here most of the time goes into the rows themselves, two hours of them, whoever reads them.
    show(Setup(tenants, options.rules, [5, 15, 60], options.repeat), is_the_claim=False)


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
    """Evaluate as `evaluate` does, but read each rule by a query of its own."""
    due = due_rules(now=now, tenant_id=None, limit=100_000)
    readings = {rule.id: read_alone(rule, now) for rule in due}
    decide_all(due, readings, now)


def read_alone(rule: DueRule, now: datetime) -> Reading:
    """Read both windows of one rule."""
    width = timedelta(minutes=rule.window_minutes)
    source, columns = columns_of(rule.metric)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.occurred_at >= %s, {columns} FROM {source.value} AS r "
            "WHERE r.tenant_id = %s AND r.occurred_at >= %s AND r.occurred_at < %s GROUP BY 1",
            [now - width, rule.tenant_id, now - 2 * width, now],
        )
        found = {is_current: values for is_current, *values in cursor.fetchall()}
    nothing = [0.0 if isinstance(metric_named(rule.metric).formula, Total) else None]
    return Reading(_value(found.get(True, nothing)), _value(found.get(False, nothing)))


def _value(values: Sequence[Any]) -> float | None:
    if len(values) == 1:
        return None if values[0] is None else float(values[0])
    return float(values[0] / values[1]) if values[1] else None


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
    """Read the metrics of all rules."""
    read_rules(due_rules(now=now, tenant_id=None, limit=100_000), now)


def evaluate(now: datetime) -> None:
    """Read rules, metrics and states under lock, and decide: everything of a tick but the writing."""
    due = due_rules(now=now, tenant_id=None, limit=100_000)
    decide_all(due, read_rules(due, now), now)


def decide_all(due: Sequence[DueRule], readings: Mapping[uuid.UUID, Reading], now: datetime) -> None:
    """Lock the rules and decide each."""
    with transaction.atomic():
        for rule in lock_rules([rule.id for rule in due], now):
            decide(rule.snapshot, readings[rule.id], now)


def check_agreement(now: datetime) -> None:
    """Make sure that both ways read the same."""
    due = due_rules(now=now, tenant_id=None, limit=100_000)
    ours = read_rules(due, now)
    for rule in due:
        alone = read_alone(rule, now)
        assert (alone.observed, alone.baseline) == (ours[rule.id].observed, ours[rule.id].baseline), rule


def whole_tick(now: datetime) -> None:
    """Run the tick itself, writes and deliveries included."""
    tick = run_tick(now=now, budget=Budget(600))
    assert not tick.errors, tick.errors[0]


def measure(works: Mapping[str, Work], repeat: int, first: datetime) -> dict[str, Measure]:
    """Run each work once to count its queries, then all of them in turn `repeat` times, a second later each time.

    In turn, so that whatever else the machine does hits all of them alike.
    """
    queries = {}
    for name, work in works.items():
        with CaptureQueriesContext(connection) as captured:
            work(first)
        queries[name] = len(captured)
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(1, repeat + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work(first + timedelta(seconds=number))
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: Measure(statistics.median(times[name]), queries[name]) for name in works}


def show(setup: Setup, *, is_the_claim: bool) -> None:
    """Measure every way and print the table."""
    make_rules(setup)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) alerts_alertrule")
    start = END - timedelta(minutes=2)
    check_agreement(start)
    works: dict[str, Work] = {
        "one query per rule (read and decide)": one_by_one,
        "one bare grouped SQL per window and table": lambda now: bare(now, setup.windows),
        "Kaireon: read the metrics": read_only,
        "Kaireon: evaluation (read and decide)": evaluate,
        "Kaireon: whole tick (with all writes)": whole_tick,
    }
    found = measure(works, setup.repeat, start)
    print(f"\n{setup.rules:,} rules, windows of {', '.join(map(str, setup.windows))} minutes and their baselines")
    print(f"{'':42}{'ms':>9}{'queries':>9}")
    for name, measured in found.items():
        print(f"{name:42}{measured.milliseconds:9.1f}{measured.queries:9,}")
    single, grouped, _, evaluation, _ = (measured.milliseconds for measured in found.values())
    marks = ("(mark: at least 10)", "(mark: at most 3)") if is_the_claim else ("", "")
    print(f"evaluation: {single / evaluation:.1f} times faster than one query per rule {marks[0]}")
    print(f"evaluation: {evaluation / grouped:.2f} times the bare grouped SQL {marks[1]}", flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        if SERVER is not None:
            connection.close()
            SERVER.stop()
