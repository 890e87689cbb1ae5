"""Row scoping: a query on a tenant's table without a tenant is refused, not answered.

`Rule.objects.for_tenant(tenant)` is the way in; `across_tenants()` is the explicit exception for ticks and operators.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, TypeVar

from django.db import models

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class TenantScopeMissing(RuntimeError):
    """A query on a tenant's table was about to run for all tenants without saying so."""


class TenantQuerySet(models.QuerySet[Row_co]):
    """A query set that runs only once its tenant, or the wish for all of them, has been said."""

    _is_scoped = False

    def for_tenant(self, tenant: Any) -> Self:
        """Keep the rows of one tenant, given as a Tenant or its id; None keeps nothing, a text is a TypeError."""
        tenant_id = _tenant_id(tenant)
        scoped = self._scoped()
        return scoped.none() if tenant_id is None else scoped.filter(tenant_id=tenant_id)

    def across_tenants(self) -> Self:
        """Keep the rows of every tenant: for ticks, workers and operators' commands."""
        return self._scoped()

    def _scoped(self) -> Self:
        clone: Self = self._chain()  # type: ignore[attr-defined]
        clone._is_scoped = True
        return clone

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._is_scoped = self._is_scoped
        return clone

    def _require_scope(self) -> None:
        # A related manager (`incident.transitions`) starts from a row that was itself reached through a scope.
        if not self._is_scoped and "instance" not in self._hints:  # type: ignore[attr-defined]
            raise TenantScopeMissing(f"{self.model.__name__}: say for_tenant(…) or across_tenants() first")

    def _fetch_all(self) -> None:
        self._require_scope()
        super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Iterator[Row_co]:
        """Stream the rows; see QuerySet.iterator."""
        self._require_scope()
        return super().iterator(*args, **kwargs)

    def count(self) -> int:
        """Count the rows; see QuerySet.count."""
        self._require_scope()
        return super().count()

    def exists(self) -> bool:
        """Tell whether there is a row; see QuerySet.exists."""
        self._require_scope()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Aggregate; see QuerySet.aggregate."""
        self._require_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        """Update the rows; see QuerySet.update."""
        self._require_scope()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows; see QuerySet.delete."""
        self._require_scope()
        return super().delete()

    def aiterator(self, *args: Any, **kwargs: Any) -> AsyncIterator[Row_co]:
        """Stream the rows; see QuerySet.aiterator."""
        self._require_scope()
        return super().aiterator(*args, **kwargs)

    def _combinator_query(self, combinator: str, *others: Any, **kwargs: Any) -> Any:
        # A union of one tenant's rows with everybody's is everybody's.
        for query_set in (self, *others):
            _require_scope_of(query_set)
        return super()._combinator_query(combinator, *others, **kwargs)  # type: ignore[misc]

    def __or__(self, other: Any) -> Any:
        _require_scope_of(self)
        _require_scope_of(other)
        return super().__or__(other)

    def __xor__(self, other: Any) -> Any:
        _require_scope_of(self)
        _require_scope_of(other)
        return super().__xor__(other)

    def explain(self, **kwargs: Any) -> str:
        """Explain the query; see QuerySet.explain."""
        self._require_scope()
        return super().explain(**kwargs)

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse an unscoped sub-query too."""
        self._require_scope()
        return super().resolve_expression(*args, **kwargs)


def _tenant_id(tenant: Any) -> uuid.UUID | None:
    tenant_id = getattr(tenant, "pk", tenant)
    is_other_model = isinstance(tenant, models.Model) and tenant._meta.label_lower != "tenancy.tenant"
    if is_other_model or not (tenant_id is None or isinstance(tenant_id, uuid.UUID)):
        raise TypeError(f"a tenant is given as a Tenant or its UUID, not as a {type(tenant).__name__}")
    return tenant_id


def _require_scope_of(query_set: Any) -> None:
    if isinstance(query_set, TenantQuerySet):
        query_set._require_scope()


TenantManager = models.Manager.from_queryset(TenantQuerySet)


class TenantModel(models.Model):
    """A row that belongs to one tenant."""

    tenant = models.ForeignKey("tenancy.Tenant", on_delete=models.CASCADE, db_index=False, related_name="+")

    objects = TenantManager()
    unscoped = models.Manager()  # noqa: DJ012 - managers stand together

    class Meta:
        abstract = True
        # Cascades and forward relations start from rows that were reached through a scope.
        base_manager_name = "unscoped"
        default_manager_name = "objects"
