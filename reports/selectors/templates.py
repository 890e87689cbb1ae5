"""Questions about report templates."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kaireon.platform.errors import NotFound
from kaireon.platform.notifications.selectors import list_destinations
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from reports.decisions.checking import Errors, check_definition, check_destinations
from reports.decisions.definition import ReportDefinition, SourceCall, read_definition
from reports.models import ReportTemplate
from reports.sources import find_source, param_errors, source_list

TEMPLATE_NOT_FOUND = "There is no such report template for this tenant."


def list_templates(tenant: Tenant) -> TenantQuerySet[ReportTemplate]:
    """Return the tenant's templates; the caller orders and pages them."""
    rows: TenantQuerySet[ReportTemplate] = ReportTemplate.objects.for_tenant(tenant)
    return rows


def find_template(tenant: Tenant, template_id: uuid.UUID) -> ReportTemplate:
    """Return one template of the tenant; raise NotFound."""
    row = ReportTemplate.objects.for_tenant(tenant).filter(pk=template_id).first()
    if row is None:
        raise NotFound(TEMPLATE_NOT_FOUND)
    return row


def definition_of(template: ReportTemplate) -> ReportDefinition:
    """Return what a template shows."""
    return read_definition(
        {
            "name": template.name,
            "description": template.description,
            "dataSources": template.data_sources,
            "sections": template.sections,
            "formats": template.formats,
            "narrative": template.narrative,
        }
    )


class SourceKeys(Collection[str]):
    """The keys of the data sources that there are; only who wants them all pays for the list."""

    def __contains__(self, key: object) -> bool:
        """Tell whether a source has this key."""
        return isinstance(key, str) and find_source(key) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield every key."""
        return (info.key for info in source_list())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(source_list())


def definition_errors(values: Mapping[str, Any]) -> Errors:
    """Return what cannot be in a definition, by field, against the sources that there are; see `check_definition`."""
    return check_definition(values, source_keys=SourceKeys()) | source_errors(values.get("data_sources", ()))


def source_errors(data_sources: Sequence[Mapping[str, Any]]) -> Errors:
    """Return the params that their source does not take, each as `dataSources[index].params.name`.

    What is saved is checked, so that it is told to whoever typed it; what became wrong later is told by its section.
    """
    return {
        f"dataSources[{index}].params" + ("" if path == "params" else f".{path}"): messages
        for index, each in enumerate(data_sources)
        for path, messages in param_errors(SourceCall(each["sourceKey"], each.get("params") or {})).items()
    }


def destination_errors(
    tenant: Tenant, ids: Sequence[uuid.UUID], *, known: Collection[uuid.UUID] = (), path: str
) -> Errors:
    """Return the destinations that the tenant does not have, each as `path[index]`.

    `known` are ids that the row names already: they stay valid after their destination was deleted.
    """
    if not set(ids) - set(known):
        return {}
    valid = {overview.destination.pk for overview in list_destinations(tenant.pk)} | set(known)
    return check_destinations(ids, valid=valid, path=path)
