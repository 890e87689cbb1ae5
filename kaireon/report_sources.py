"""What other areas give to reports, as data sources: they know no reports, and reports know none of them."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from django.utils import timezone
from pydantic import Field

from alerts.decisions import Severity
from alerts.sources import AlertEvent, HistoryAsk, read_alert_counts, read_alert_events
from flows.decisions.vocabulary import RunStatus
from flows.sources import RunsAsk, read_run_counts, read_run_lines
from outbox.sources import read_outbox_health
from reports.decisions.document import Chart, ChartKind, Column, Figure, Row, Unit
from reports.sources import Scope, Source, Table
from reports.sources.params import Limit, PeriodParams


class HowBad(StrEnum):
    """The severities of a firing."""

    INFO = Severity.INFO.value
    WARNING = Severity.WARNING.value
    CRITICAL = Severity.CRITICAL.value


class AlertHistoryParams(PeriodParams):
    """Which alerts, and how many of them."""

    severity: HowBad | None = Field(None, description="Only this severity.")
    rule_id: Annotated[UUID, Field(strict=False)] | None = Field(None, description="Only this rule.")
    limit: Limit = Field(100, description="At most so many events, the newest first.")


ALERT_COLUMNS: Final = (
    Column("at", "When", Unit.TIME),
    Column("rule", "Rule"),
    Column("event", "Event"),
    Column("severity", "Severity"),
    Column("metric", "Metric"),
    Column("observed", "Observed", Unit.NUMBER),
    Column("threshold", "Threshold", Unit.NUMBER),
    Column("outcome", "Told"),
    Column("lasted", "Incident lasted", Unit.SECONDS),
)


def _alert_history(params: AlertHistoryParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    ask = HistoryAsk(scope.tenant_id, params.severity and params.severity.value, params.rule_id)
    now, before = read_alert_counts(ask, period.current), read_alert_counts(ask, period.before)
    rows = scope.spool.keep(_alert_row(each) for each in read_alert_events(ask, period.current, params.limit))
    return Table(
        ALERT_COLUMNS,
        rows,
        figures=(
            Figure("fired", "Firings", now.fired, Unit.COUNT, before.fired),
            Figure("resolved", "Resolve notices", now.resolved, Unit.COUNT, before.resolved),
            Figure("rules", "Rules that fired", now.rules, Unit.COUNT, before.rules),
            Figure("untold", "Messages that reached nobody", now.untold, Unit.COUNT, before.untold),
        ),
        note="" if len(rows) == now.all else f"Shows the newest {len(rows):,} of {now.all:,} events.",
        covers=period.current,
    )


def _alert_row(event: AlertEvent) -> Row:
    return tuple(event)


OUTBOX_COLUMNS: Final = (
    Column("topic", "Topic"),
    Column("ready", "Waiting", Unit.COUNT),
    Column("held", "Held behind a failed event", Unit.COUNT),
    Column("dead", "Dead letters", Unit.COUNT),
    Column("deadLately", "Dead in the period", Unit.COUNT),
    Column("deadBefore", "Dead in the period before", Unit.COUNT),
)


def _outbox_health(params: PeriodParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    # What waits is known of this moment only, whenever the report's period ends.
    health = read_outbox_health(scope.tenant_id, now=timezone.now(), window=period.current, before=period.before)
    lately, before = sum(each.dead_lately for each in health.topics), sum(each.dead_before for each in health.topics)
    return Table(
        OUTBOX_COLUMNS,
        scope.spool.keep(tuple(topic) for topic in health.topics),
        figures=(
            Figure("pending", "Events waiting", health.pending, Unit.COUNT),
            Figure("oldest", "Oldest event", health.oldest_seconds, Unit.SECONDS),
            Figure("dead", "Dead letters", health.dead, Unit.COUNT),
            Figure("deadLately", "Dead in the period", lately, Unit.COUNT, before),
        ),
        chart=Chart(ChartKind.BAR, "topic", ("ready", "held", "dead"), "Events by topic"),
        note="What waits is of the moment in which the report was made."
        + (" There is more than was counted." if health.is_more else ""),
        covers=period.current,
    )


class HowEnded(StrEnum):
    """The statuses of a run."""

    PENDING = RunStatus.PENDING.value
    RUNNING = RunStatus.RUNNING.value
    COMPLETED = RunStatus.COMPLETED.value
    COMPLETED_WITH_ERRORS = RunStatus.COMPLETED_WITH_ERRORS.value
    FAILED = RunStatus.FAILED.value
    CANCELLED = RunStatus.CANCELLED.value


class PipelineRunsParams(PeriodParams):
    """Which runs, and how many of them."""

    status: HowEnded | None = Field(None, description="Only runs that stand so.")
    pipeline_id: Annotated[UUID, Field(strict=False)] | None = Field(None, description="Only this pipeline.")
    limit: Limit = Field(100, description="At most so many runs, the newest first.")


RUN_COLUMNS: Final = (
    Column("at", "Asked for", Unit.TIME),
    Column("pipeline", "Pipeline"),
    Column("status", "Status"),
    Column("trigger", "Begun by"),
    Column("rowsIn", "Rows read", Unit.COUNT),
    Column("rowsOut", "Rows loaded", Unit.COUNT),
    Column("rowsFailed", "Rows set aside", Unit.COUNT),
    Column("took", "Took", Unit.SECONDS),
    Column("error", "Error"),
)


def _pipeline_runs(params: PipelineRunsParams, scope: Scope) -> Table:
    period = params.period(scope.now, scope.zone)
    ask = RunsAsk(scope.tenant_id, params.pipeline_id, params.status and params.status.value)
    now, before = read_run_counts(ask, period.current), read_run_counts(ask, period.before)
    rows = scope.spool.keep(tuple(each) for each in read_run_lines(ask, period.current, params.limit))
    return Table(
        RUN_COLUMNS,
        rows,
        figures=(
            Figure("runs", "Runs", now.all, Unit.COUNT, before.all),
            Figure("failed", "Runs that failed", now.failed, Unit.COUNT, before.failed),
            Figure("rowsOut", "Rows loaded", now.rows_out, Unit.COUNT, before.rows_out),
            Figure("rowsFailed", "Rows set aside", now.rows_failed, Unit.COUNT, before.rows_failed),
        ),
        note="" if len(rows) == now.all else f"Shows the newest {len(rows):,} of {now.all:,} runs.",
        covers=period.current,
    )


REPORT_SOURCES: Final = (
    Source(
        "alert_history", "Alert history", "What fired and resolved, how bad it was, and who was told.",
        AlertHistoryParams, _alert_history,
    ),
    Source(
        "outbox_health", "Outbox health", "Events that wait and dead letters, by topic.", PeriodParams, _outbox_health
    ),
    Source(
        "pipeline_runs", "Pipeline runs", "Which pipelines ran, how they ended, and how many rows they loaded.",
        PipelineRunsParams, _pipeline_runs,
    ),
)  # fmt: skip
