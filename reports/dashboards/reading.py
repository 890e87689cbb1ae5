"""Read a dashboard: its sections one after the other, none of which takes the page down with it."""

import logging
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from kaireon.platform.cadence import CadenceError, load_zone
from kaireon.platform.telemetry.services import log_failure
from kaireon.platform.tenancy.models import Tenant
from reports.dashboards.declaration import FILTERS, Dashboard, define
from reports.dashboards.filters import PERIODS, Filters
from reports.decisions.definition import ReportDefinition, SectionWish, SourceCall
from reports.decisions.document import Document, Section
from reports.decisions.vocabulary import Format
from reports.sources import Spool, find_source, run_source

logger = logging.getLogger(__name__)
MOST_REMEMBERED: Final = 10_000
# What a day is taken to cost as long as nobody has read it.
UNKNOWN_SECONDS_A_DAY: Final = 0.005
NOT_PROVIDED: Final = "Nothing provides this in your installation yet."


def params_known(dashboard: Dashboard) -> dict[str, Collection[str]]:
    """Return which params each source of a dashboard takes; a source that is not registered takes none."""
    found = {call.source: find_source(call.source) for call in dashboard.sections}
    return {
        key: frozenset(str(each.alias or name) for name, each in source.params.model_fields.items()) if source else ()
        for key, source in found.items()
    }


def definition_of(dashboard: Dashboard, filters: Filters, fmt: Format | None = None) -> ReportDefinition:
    """Return the report that a dashboard is for a period and filters, in one format."""
    return define(dashboard, filters, params_of=params_known(dashboard), fmt=fmt)


# How long a source took for a tenant and so many days, in this process: it decides what a page waits for, nothing else.
_took: dict[tuple[uuid.UUID, str, int], float] = {}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of a dashboard is read: one section alone, or what fits into so many seconds; all without either."""

    section: str = ""
    seconds: float | None = None


@contextmanager
def reading(
    dashboard: Dashboard, filters: Filters, *, tenant: Tenant, now: datetime, zone: str, wanted: Wanted = Wanted()
) -> Iterator[Document]:
    """Yield the dashboard's document with the sections that were read; their rows can be read inside.

    A section that took longer the last time than there are seconds left is left out: it is asked for alone.
    """
    definition, unfiltered = definition_of(dashboard, filters), _unfiltered(dashboard, filters)
    calls = {
        wish: call
        for wish, call in zip(definition.sections, definition.data_sources, strict=True)
        if wanted.section in {"", wish.id}
    }
    pace = _Pace(tenant, filters, wanted.seconds)
    with Spool() as spool:
        sections = [
            _remarked(section, unfiltered)
            for wish, call in calls.items()
            if (section := pace.read(wish, call, now=now, zone=zone, spool=spool)) is not None
        ]
        yield Document(
            title=definition.name, description=definition.description, tenant_name=tenant.name, period="",
            generated_at=now, data_until=now, zone=zone, sections=tuple(sections),
        )  # fmt: skip


class _Pace:
    """Reads sections as long as they fit into a page's time, by how long each took for such a period before."""

    def __init__(self, tenant: Tenant, filters: Filters, seconds: float | None) -> None:
        self._tenant_id, self._days = tenant.pk, filters.period.days
        self._seconds, self._began = seconds, time.monotonic()

    def read(self, wish: SectionWish, call: SourceCall, **scope: Any) -> Section | None:
        """Return the section, or None where there is no time for it."""
        key, began = (self._tenant_id, call.source_key, self._days), time.monotonic()
        if self._seconds is not None and began - self._began + self._expected(call.source_key) > self._seconds:
            return None
        section = _read(wish, call, tenant_id=self._tenant_id, **scope)
        if len(_took) >= MOST_REMEMBERED:
            _took.clear()
        _took[key] = time.monotonic() - began
        return section

    def _expected(self, source: str) -> float:
        """Return how long a source may take: as the last time, else by the longest other period that was read."""
        known = ((period.days, _took.get((self._tenant_id, source, period.days))) for period in PERIODS.values())
        paces = {days: took / days for days, took in known if took is not None}
        pace = paces.get(self._days, paces[max(paces)] if paces else UNKNOWN_SECONDS_A_DAY)
        return pace * self._days


def _read(wish: SectionWish, call: SourceCall, **scope: Any) -> Section:
    if find_source(call.source_key) is None:
        return Section(wish.id, wish.title, call.source_key, (), (), note=NOT_PROVIDED)
    try:
        return run_source(call, section_id=wish.id, title=wish.title, **scope)
    except Exception as error:  # noqa: BLE001 - one source's failure stops no other's
        error_id = log_failure(
            logger, "A section of a dashboard could not be read", error, event="dashboard.section.failed",
            sourceKey=call.source_key, tenantId=str(scope["tenant_id"]),
        )  # fmt: skip
        why = f"It could not be read; the next refresh tries again. Error {error_id}."
        return Section(wish.id, wish.title, call.source_key, (), (), error=why)


def _unfiltered(dashboard: Dashboard, filters: Filters) -> dict[str, str]:
    """Return what is to be said of each source that does not know a filter that is set."""
    known, wanted = params_known(dashboard), filters.params()
    return {
        key: f"Not narrowed by {' or '.join(missing)}: this is of everything."
        for key, params in known.items()
        if (missing := [word for name, word in FILTERS.items() if name in wanted and name not in params])
    }


def _remarked(section: Section, remarks: Mapping[str, str]) -> Section:
    remark = "" if section.error or section.note == NOT_PROVIDED else remarks.get(section.source_key, "")
    return replace(section, note=f"{section.note} {remark}".strip()) if remark else section


def zone_of(tenant: Tenant, wished: str = "") -> str:
    """Return the zone in which days begin: the viewer's own where it is known, else the tenant's."""
    for name in (wished, tenant.timezone):
        try:
            return load_zone(name).key
        except CadenceError:
            continue
    return "UTC"
