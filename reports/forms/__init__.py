"""The forms of report pages: a template, what it is composed of, and its schedules."""

from reports.forms.composing import BlockForm, Composition
from reports.forms.schedule import FIELDS_OF_PATHS as SCHEDULE_FIELDS
from reports.forms.schedule import ScheduleForm, zone_names
from reports.forms.template import FIELDS_OF_PATHS as TEMPLATE_FIELDS
from reports.forms.template import TemplateForm

__all__ = [
    "SCHEDULE_FIELDS", "TEMPLATE_FIELDS", "BlockForm", "Composition", "ScheduleForm", "TemplateForm", "zone_names",
]  # fmt: skip
