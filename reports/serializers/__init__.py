"""Wire shapes of reporting; the only place where its names are camelCase."""

from reports.serializers.schedules import (
    CadencePreviewInput,
    CadencePreviewShape,
    ReportScheduleInput,
    ReportScheduleShape,
    cadence_json,
    schedule_json,
)
from reports.serializers.templates import ReportTemplateInput, ReportTemplateShape, template_json

__all__ = [
    "CadencePreviewInput",
    "CadencePreviewShape",
    "ReportScheduleInput",
    "ReportScheduleShape",
    "ReportTemplateInput",
    "ReportTemplateShape",
    "cadence_json",
    "schedule_json",
    "template_json",
]
