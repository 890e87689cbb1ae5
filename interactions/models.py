"""Tables: the catalogue (offers, creatives, channels, outcome types) and what happened (interactions, traces).

Ids of offers, creatives, channels, placements and recommendations are the customer's own opaque text; the catalogue is
optional, so history refers to it by text and not by foreign key.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from interactions.decisions import Category, Classification, Direction
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel

TEXT_ID = 255
BRIN_PAGES = 32


def _choices(
    words: type[Classification] | type[Category] | type[Direction],
) -> list[tuple[str, str]]:
    return [(word.value, word.value) for word in words]


def _optional_id() -> "models.CharField[str | None, str | None]":
    """Declare an id that may be absent: null, because that is what the events carry then."""
    return models.CharField(max_length=TEXT_ID, null=True)


class CatalogueEntry(TenantModel):
    """A named thing that the customer's systems call by `key`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=TEXT_ID)
    name = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        abstract = True
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Channel(CatalogueEntry):
    """Where offers are shown: web, app, mail, call centre."""

    class Meta(CatalogueEntry.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="channel_unique_key")]


class Offer(CatalogueEntry):
    """What is offered."""

    category = models.CharField(max_length=120, blank=True)

    class Meta(CatalogueEntry.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="offer_unique_key")]


class Creative(CatalogueEntry):
    """How an offer looks on a channel; an interaction that names it gets both from here."""

    offer = models.ForeignKey(Offer, models.SET_NULL, null=True, blank=True, related_name="+")
    channel = models.ForeignKey(Channel, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta(CatalogueEntry.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="creative_unique_key")]


class OutcomeType(TenantModel):
    """A word for what happened, with its meaning for the metrics; deleted ones stay for the history."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    classification = models.CharField(max_length=10, choices=_choices(Classification))
    category = models.CharField(max_length=10, choices=_choices(Category))
    is_system = models.BooleanField(default=False)
    ordinal = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, default="active")
    version = models.PositiveIntegerField(default=1)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        ordering = ("ordinal", "key")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="outcometype_unique_key")]

    def __str__(self) -> str:
        return self.name


class RecordedEvent(TenantModel):
    """What interactions and traces share: identity, idempotency, and the times.

    `event_id` is the outbox event written with the row (None for imported history). `request_hash` is the SHA-256 of
    the request's body: the same key with another body is a conflict, not a duplicate.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event_id = models.UUIDField(null=True, editable=False)
    idempotency_key = models.CharField(max_length=TEXT_ID)
    request_hash = models.BinaryField(null=True, editable=False)
    customer_id = models.CharField(max_length=TEXT_ID)
    recommendation_id = _optional_id()
    channel_id = _optional_id()
    placement_id = _optional_id()
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        abstract = True


def _flag(condition: Q) -> "models.GeneratedField":
    """Declare a boolean that the database computes when it writes the row: one byte that metrics count by."""
    expression = models.ExpressionWrapper(condition, output_field=models.BooleanField())
    return models.GeneratedField(expression=expression, output_field=models.BooleanField(), db_persist=True)


class Interaction(RecordedEvent):
    """One thing that a customer saw or did.

    `classification` and `category` are the outcome type's at the time of recording: metrics read one table only, and
    renaming or deleting an outcome type does not rewrite history. The flags are what the metrics count; they stand in
    the index, so that a window is read without the rows.
    """

    outcome = models.CharField(max_length=64)
    classification = models.CharField(max_length=10, choices=_choices(Classification))
    category = models.CharField(max_length=10, choices=_choices(Category))
    direction = models.CharField(max_length=8, choices=_choices(Direction))
    rank = models.PositiveIntegerField(null=True)
    creative_id = _optional_id()
    offer_id = _optional_id()
    conversion_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    context = models.JSONField(null=True)
    outcome_details = models.JSONField(null=True)
    attributes = models.JSONField(null=True)
    # `not_presented` belongs to the category because the same systems tell it, but nobody saw anything.
    is_impression = _flag(Q(category=Category.IMPRESSION.value) & ~Q(outcome="not_presented"))
    is_positive = _flag(Q(classification=Classification.POSITIVE.value))
    is_click = _flag(Q(outcome__in=["click", "convert"]))

    class Meta(RecordedEvent.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="interaction_unique_key"),
        ]
        indexes = [
            # A tenant's window is read from its own stretch of the index alone, although its rows lie on pages among
            # everybody's; a scan of everybody's minutes skips all other blocks.
            models.Index(
                fields=["tenant", "occurred_at"], name="interaction_tenant_time",
                include=["is_impression", "is_positive", "is_click", "conversion_value"],
            ),
            BrinIndex(
                fields=["occurred_at"], name="interaction_time_brin", opclasses=["timestamptz_minmax_multi_ops"],
                autosummarize=True, pages_per_range=BRIN_PAGES,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.outcome} · {self.customer_id}"


class DecisionTrace(RecordedEvent):
    """One decision of the engine: how many offers were left after each step, what was selected, how long it took."""

    after_qualification = models.PositiveIntegerField()
    after_contact_policy = models.PositiveIntegerField()
    final_count = models.PositiveIntegerField()
    selected = models.JSONField(default=list)
    selected_count = models.PositiveIntegerField()
    total_latency_ms = models.FloatField()
    degraded_scoring = models.BooleanField(default=False)
    status_code = models.PositiveSmallIntegerField(default=200)

    class Meta(RecordedEvent.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="trace_unique_key")]
        indexes = [
            models.Index(
                fields=["tenant", "occurred_at"], name="trace_tenant_time",
                include=[
                    "after_qualification", "after_contact_policy", "final_count", "selected_count",
                    "total_latency_ms", "degraded_scoring", "status_code",
                ],
            ),
            BrinIndex(
                fields=["occurred_at"], name="trace_time_brin", opclasses=["timestamptz_minmax_multi_ops"],
                autosummarize=True, pages_per_range=BRIN_PAGES,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"decision · {self.customer_id}"
