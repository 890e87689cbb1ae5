"""Save a dashboard as a report: a template with the filters baked in and its schedule, both or neither."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from reports.dashboards.declaration import Dashboard
from reports.dashboards.filters import Filters
from reports.dashboards.reading import definition_of
from reports.models import ReportSchedule, ReportTemplate
from reports.services import create_report
from reports.sources import find_source


def save_as_report(
    *, tenant: Tenant, dashboard: Dashboard, filters: Filters, values: Mapping[str, Any], actor: Actor, now: datetime
) -> tuple[ReportTemplate, ReportSchedule]:
    """Create the report and return it; `values` are the form's.

    Raises Unprocessable that names every field that cannot be; nothing is kept then.
    """
    name, destination_ids = values["name"], list[uuid.UUID](values["destinations"])
    template = {
        **template_values(dashboard, filters),
        "name": name,
        "formats": list(values["formats"]),
        "destination_ids": destination_ids,
    }
    schedule = {
        "name": name,
        "cron_expression": values["cron_expression"],
        "timezone": values["timezone"],
        "destination_ids": destination_ids,
    }
    return create_report(tenant=tenant, template=template, schedule=schedule, actor=actor, now=now)


def template_values(dashboard: Dashboard, filters: Filters) -> dict[str, Any]:
    """Return what a template of the dashboard shows; a section that nothing provides is left out."""
    kept = definition_of(dashboard, filters).to_json()
    provided = [
        (source, section)
        for source, section in zip(kept["dataSources"], kept["sections"], strict=True)
        if find_source(source["sourceKey"]) is not None
    ]
    return {
        "description": kept["description"],
        "data_sources": [source for source, _ in provided],
        "sections": [{**section, "dataSourceIndex": place} for place, (_, section) in enumerate(provided)],
        "narrative": kept["narrative"],
    }


def left_out(dashboard: Dashboard) -> list[str]:
    """Return the titles of the sections that nothing provides."""
    return [each.title for each in dashboard.sections if find_source(each.source) is None]
