"""The account of what narratives cost a tenant: a row for each call to a model, refused texts too."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import Q, Sum

from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant
from reports.models import NarrationCall
from reports.narration import Caps, Spending, Usage


@dataclass(frozen=True, slots=True)
class NarrationLedger:
    """Implements `reports.narration.UsageLedger` for one tenant, and one run of it if it is for one."""

    tenant_id: uuid.UUID
    run_id: uuid.UUID | None = None

    def used(self, now: datetime) -> Usage:
        """Return what is spent since midnight and since the first of the month, both UTC."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        calls = NarrationCall.objects.for_tenant(self.tenant_id).filter(at__gte=midnight.replace(day=1))
        found = calls.aggregate(tokens=Sum("tokens", filter=Q(at__gte=midnight)), usd=Sum("usd"))
        return Usage(found["tokens"] or 0, found["usd"] or Decimal(0))

    def record(self, spending: Spending, now: datetime) -> None:
        """Add what one call has cost."""
        NarrationCall.objects.create(
            tenant_id=self.tenant_id, run_id=self.run_id, tokens=spending.tokens, usd=spending.usd,
            is_estimate=spending.is_estimate, at=now,
        )  # fmt: skip


def caps_of(tenant: Tenant) -> Caps:
    """Return what a tenant may spend: its guardrails `llmDailyTokens` and `llmMonthlyUsd`."""
    guardrails = guardrails_of(tenant)
    return Caps(guardrails.llm_daily_tokens, Decimal(str(guardrails.llm_monthly_usd)))
