"""What moved most against the baseline, over all, by offer and by channel: candidates for a look, the gravest first.

Every metric of the catalogue that is made of recorded rows is compared; sums and counts per day, because baseline and
period may differ in length. What is small, or rests on few events, or is what chance makes of them, is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from interactions import metrics
from interactions.metrics import Gauge, Metric, Percentile, Ratio
from interactions.selectors import measures
from interactions.selectors.breakdowns import Group, GroupAsk, read_groups
from interactions.selectors.measures import Measure, Sums, measures_of, reader_of
from interactions.selectors.narrowing import Dimension, Narrowing
from reports.decisions.anomalies import Finding, Level, Nature, Observation, judge
from reports.decisions.document import Chart, ChartKind, Column, Figure, Row, Unit
from reports.decisions.periods import Period, last_days
from reports.sources.grouped import name_of
from reports.sources.params import Days, Limit, PeriodParams, TextId
from reports.sources.registry import Scope, Source, Table

MOST_SUBJECTS: Final = 500


class AnomalyParams(PeriodParams):
    """What is compared with what, and how much must have moved."""

    baseline_days: Days | None = Field(
        None, description="Days right before the period to compare with; without it as many as `days`, up to the hour."
    )
    channel_id: TextId | None = Field(None, description="Only this channel.")
    min_change: float = Field(0.2, gt=0, le=100, description="The least change, as a part of the baseline.")
    min_events: int = Field(30, ge=1, le=1_000_000, description="The least number of events behind a value.")
    limit: Limit = Field(50, description="At most so many candidates.")


COLUMNS: Final = (
    Column("candidate", "Candidate"),
    Column("severity", "Severity"),
    Column("metric", "Metric"),
    Column("scope", "Scope"),
    Column("subjectId", "Id"),
    Column("change", "Change", Unit.RATIO),
    Column("current", "Now", Unit.NUMBER),
    Column("baseline", "Baseline", Unit.NUMBER),
    Column("events", "Events", Unit.COUNT),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change with the words for it."""

    title: str
    metric: Metric
    scope: str
    subject_id: str | None
    seen: Observation
    finding: Finding

    @property
    def row(self) -> Row:
        """Return the table's row."""
        return (
            self.title, self.finding.level.value, self.metric.name, self.scope, self.subject_id,
            self.finding.change, self.seen.current, self.seen.baseline, self.seen.events,
        )  # fmt: skip


def _read(params: AnomalyParams, scope: Scope) -> Table:
    period = last_days(scope.now, params.days, scope.zone, baseline_days=params.baseline_days)
    found = sorted(_candidates(params, scope, period), key=_order)
    by_level = {level: sum(each.finding.level is level for each in found) for level in Level}
    shown = found[: params.limit]
    return Table(
        COLUMNS,
        scope.spool.keep(each.row for each in shown),
        figures=tuple(
            Figure(level.value, f"{level.capitalize()} candidates", count, Unit.COUNT)
            for level, count in by_level.items()
        ),
        chart=Chart(ChartKind.BAR, "candidate", ("change",), "Change against the baseline"),
        note=f"Shows {len(shown):,} of {len(found):,} candidates." if len(shown) < len(found) else "",
        covers=period.current,
    )


def _order(candidate: Candidate) -> tuple[int, float, str, str]:
    level = list(Level).index(candidate.finding.level)
    return (level, -candidate.finding.size, candidate.title, candidate.subject_id or "")


def _candidates(params: AnomalyParams, scope: Scope, period: Period) -> Iterator[Candidate]:
    watched = [metric for metric in metrics.catalogue() if not isinstance(metric.formula, Gauge)]
    for dimension in (Dimension.CHANNEL, Dimension.OFFER):
        for source in metrics.Source:
            if dimension is Dimension.OFFER and source is metrics.Source.TRACES:
                continue
            those = [metric for metric in watched if _source_of(metric) is source]
            reading = [*dict.fromkeys([*measures_of(each.formula for each in those), _EVENTS[source]])]
            groups = read_groups(
                GroupAsk(
                    scope.tenant_id, (dimension,), reading, period.current, period.before,
                    order=reading.index(_EVENTS[source]), limit=MOST_SUBJECTS,
                    narrowing=Narrowing(channel_id=params.channel_id),
                )
            )  # fmt: skip
            compare = _Comparison(params, period, reading)
            subjects = [(each, dimension.value) for each in groups.first]
            if dimension is Dimension.CHANNEL:
                subjects.append((groups.total, "all"))
            for group, named in subjects:
                yield from (each for metric in those if (each := compare.candidate(metric, group, named)))


# What a metric rests on beside its own denominator: an amount on the conversions that carry it.
_EVENTS: Final[dict[metrics.Source, metrics.Aggregate]] = {
    metrics.Source.INTERACTIONS: measures.CONVERSIONS,
    metrics.Source.TRACES: metrics.TRACES,
}


def _source_of(metric: Metric) -> metrics.Source:
    return measures_of([metric.formula])[0].source


class _Comparison:
    """One metric of one group against its baseline."""

    def __init__(self, params: AnomalyParams, period: Period, reading: list[Measure]) -> None:
        self._params, self._period, self._reading = params, period, reading

    def candidate(self, metric: Metric, group: Group, scope: str) -> Candidate | None:
        seen = self._observe(metric, group)
        finding = judge(seen, min_change=self._params.min_change, min_events=self._params.min_events)
        if finding is None:
            return None
        what = metric.title if isinstance(metric.formula, Ratio | Percentile) else f"{metric.title} a day"
        if scope == "all":
            return Candidate(what, metric, scope, None, seen, finding)
        subject = name_of(group.keys[0], group.names[0], scope)
        return Candidate(f"{what} of {subject}", metric, scope, group.keys[0], seen, finding)

    def _observe(self, metric: Metric, group: Group) -> Observation:
        read = reader_of(metric.formula, self._reading)
        current, baseline = read(group.now), read(group.before)
        events, baseline_events = self._events(metric, group.now), self._events(metric, group.before)
        if isinstance(metric.formula, Ratio):
            return Observation(Nature.RATIO, current, baseline, events, baseline_events)
        if isinstance(metric.formula, Percentile):
            return Observation(Nature.OTHER, current, baseline, events, baseline_events)
        counts = _EVENTS[_source_of(metric)] in measures_of([metric.formula])
        return Observation(
            Nature.COUNT if counts else Nature.OTHER, float(current) / self._period.current.days,
            float(baseline) / self._period.before.days, events, baseline_events,
        )  # fmt: skip

    def _events(self, metric: Metric, sums: Sums) -> int:
        formula = metric.formula
        counted: Any = formula.denominator if isinstance(formula, Ratio) else _EVENTS[_source_of(metric)]
        return int(sums[self._reading.index(counted)])


SOURCE = Source(
    "anomaly_candidates", "Anomaly candidates", "What moved most against the baseline, by metric, offer and channel.",
    AnomalyParams, _read,
)  # fmt: skip
