"""Tables of triggers."""

from triggers.models.files import FileTrigger, WatchedFolder
from triggers.models.occurrences import Occurrence
from triggers.models.schedules import PipelineSchedule, TenantCounts
from triggers.models.secrets import TriggerSecret
from triggers.models.ticks import SchedulerTick

__all__ = [
    "FileTrigger",
    "Occurrence",
    "PipelineSchedule",
    "SchedulerTick",
    "TenantCounts",
    "TriggerSecret",
    "WatchedFolder",
]
