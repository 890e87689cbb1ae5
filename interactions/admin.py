"""Lists under /settings/: the catalogue to keep, and the history to look at."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

from interactions.models import CatalogueEntry, Channel, Creative, DecisionTrace, Interaction, Offer, OutcomeType
from kaireon.platform.site import site
from kaireon.platform.tenancy.admin import ReadOnlyTenantModelAdmin, TenantModelAdmin

COUNTED_ROWS = 10_000


class CatalogueAdmin(TenantModelAdmin):
    """What all catalogue lists share."""

    list_display: tuple[str, ...] = ("name", "key", "is_active", "updated_at")
    list_filter: tuple[str, ...] = ("is_active",)
    search_fields = ("name", "key")
    fields: tuple[str, ...] = ("name", "key", "is_active")
    ordering = ("name", "id")


@admin.register(Channel, site=site)
class ChannelAdmin(CatalogueAdmin):
    """Where offers are shown."""


@admin.register(Offer, site=site)
class OfferAdmin(CatalogueAdmin):
    """What is offered."""

    list_display = ("name", "key", "category", "is_active", "updated_at")
    list_filter = ("is_active", "category")
    fields = ("name", "key", "category", "is_active")


@admin.register(Creative, site=site)
class CreativeAdmin(CatalogueAdmin):
    """How offers look on a channel."""

    list_display = ("name", "key", "offer", "channel", "is_active", "updated_at")
    fields = ("name", "key", "offer", "channel", "is_active")
    list_select_related = ("offer", "channel")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the tenant's own offers and channels only."""
        related: type[CatalogueEntry] = db_field.remote_field.model
        kwargs["queryset"] = related.objects.for_tenant(request.tenant)  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(OutcomeType, site=site)
class OutcomeTypeAdmin(ReadOnlyTenantModelAdmin):
    """The words for what happened."""

    list_display = ("name", "key", "classification", "category", "is_system", "version")
    list_filter = ("classification", "category", "is_system")
    search_fields = ("name", "key")
    ordering = ("ordinal", "key")


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages over a table of millions: counting stops at what anybody would leaf through."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or COUNTED_ROWS when there are more."""
        rows: Any = self.object_list
        return int(rows[:COUNTED_ROWS].count())


class HistoryAdmin(ReadOnlyTenantModelAdmin):
    """History, newest first; searched by exact id, because the tables are large."""

    paginator = CappedPaginator
    ordering = ("-occurred_at", "-id")
    search_help_text = "Exact customer id"
    search_fields = ("customer_id__exact",)


@admin.register(Interaction, site=site)
class InteractionAdmin(HistoryAdmin):
    """What customers saw and did."""

    list_display = ("occurred_at", "customer_id", "outcome", "offer_id", "channel_id", "conversion_value")
    list_filter = ("classification", "category", "direction")


@admin.register(DecisionTrace, site=site)
class DecisionTraceAdmin(HistoryAdmin):
    """What the engine decided."""

    list_display = (
        "occurred_at", "customer_id", "after_qualification", "after_contact_policy", "final_count",
        "total_latency_ms", "degraded_scoring", "status_code",
    )  # fmt: skip
    list_filter = ("degraded_scoring",)
