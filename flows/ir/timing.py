"""When a pipeline runs: its schedule and its file-arrival trigger (contract §8, §9; the triggers area decides)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from flows.ir.base import IrModel, NodeId
from flows.ir.sources import Pattern

ZoneName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Instant = Annotated[str, StringConstraints(min_length=10, max_length=40)]


class ScheduleBase(IrModel):
    """What every kind of schedule has."""

    catch_up: Literal["latest", "all", "none"] = "latest"
    overlap: Literal["queue", "skip", "allow"] = "queue"
    jitter_seconds: Annotated[int, Field(ge=0, le=3_600)] = 0
    enabled: bool = True


class CronSchedule(ScheduleBase):
    """Five fields in a zone."""

    kind: Literal["cron"]
    expression: Annotated[str, StringConstraints(min_length=9, max_length=120)]
    timezone: ZoneName = "UTC"


class IntervalSchedule(ScheduleBase):
    """Every so many minutes: since the last run, or on a grid from `anchor`."""

    kind: Literal["interval"]
    minutes: Annotated[int, Field(ge=1, le=525_600)]
    anchor: Instant | None = None


class RruleSchedule(ScheduleBase):
    """An RFC 5545 recurrence rule."""

    kind: Literal["rrule"]
    rule: Annotated[str, StringConstraints(min_length=5, max_length=500)]
    dtstart: Instant | None = None
    timezone: ZoneName = "UTC"


Schedule = Annotated[CronSchedule | IntervalSchedule | RruleSchedule, Field(discriminator="kind")]


class Deadline(IrModel):
    """How long after the last run a file may be missing, and what happens then."""

    window_minutes: Annotated[int, Field(ge=1, le=525_600)]
    on_miss: Literal["alert", "fail", "skip"] = "alert"


class FileArrivalTrigger(IrModel):
    """Run when a file, or its sentinel, arrives."""

    kind: Literal["file_arrival"]
    source_id: NodeId
    control_file_pattern: Pattern | None = None
    debounce_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
    stable_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    deadline: Deadline | None = None
    allow_overlap: bool = False
