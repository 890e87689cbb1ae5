"""The base of every settings list: one tenant's rows, permissions by role; and the members of the tenant."""

from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet, UniqueConstraint
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from unfold.admin import ModelAdmin

from kaireon.platform.site import site
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Membership
from kaireon.platform.tenancy.roles import Role

Row = TypeVar("Row", bound=Model)


class UniqueInTenant:
    """A model form that names the field whose value another row of the tenant has already."""

    tenant: Any = None

    def clean(self) -> Any:
        """Check the constraints that hold within a tenant; the database has the last word."""
        form: Any = self
        cleaned = super().clean()  # type: ignore[misc]
        for constraint in form._meta.model._meta.constraints:
            names = [name for name in getattr(constraint, "fields", ()) if name != "tenant"]
            values = {name: form.cleaned_data.get(name) for name in names}
            rows = form._meta.model._default_manager.for_tenant(self.tenant).exclude(pk=form.instance.pk)
            if isinstance(constraint, UniqueConstraint) and all(values.values()) and rows.filter(**values).exists():
                form.add_error(names[0], "There is one with this value already.")
        return cleaned


class TenantModelAdmin(ModelAdmin):  # type: ignore[misc]
    """Show the current tenant's rows alone; `read_role` to see them, `write_role` to change them."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    list_per_page = 50
    show_full_result_count = False
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the tenant in the session: another tenant's row is not found."""
        tenant_request: Any = request
        rows: QuerySet[Any] = self.model._default_manager.for_tenant(tenant_request.tenant)
        return rows.order_by(*self.get_ordering(request))

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        # Django would redirect with a message that repeats the id; an id of another tenant is not found.
        raise Http404

    def get_urls(self) -> list[URLPattern]:
        """Leave out the redirect that Django keeps for the addresses of its version 1.8."""
        return [route for route in super().get_urls() if route.name]

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Look for the row before the permission: 403 would tell that it is there."""
        self._require_row(request, object_id)
        return super().changeform_view(request, object_id, *args, **kwargs)

    def delete_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Look for the row before the permission."""
        self._require_row(request, object_id)
        return super().delete_view(request, object_id, *args, **kwargs)

    def _require_row(self, request: HttpRequest, object_id: str | None) -> None:
        if object_id is not None and self.get_object(request, unquote(object_id)) is None:
            raise Http404

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> "type[ModelForm[Any]]":
        """Return the model's form, which knows the tenant: Django leaves it out of every check of uniqueness."""
        tenant_request: Any = request
        form: type[ModelForm[Any]] = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (UniqueInTenant, form), {"tenant": tenant_request.tenant})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Give a new row to the current tenant."""
        if not change:
            obj.tenant = request.tenant  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow by the read role."""
        return _allows(request, self.read_role)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Allow by the read role."""
        return _allows(request, self.read_role)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow by the write role."""
        return _allows(request, self.write_role)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow by the write role."""
        return _allows(request, self.write_role)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow by the write role."""
        return _allows(request, self.write_role)


class ReadOnlyTenantModelAdmin(TenantModelAdmin):
    """History: nobody adds, changes or deletes it here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


def _allows(request: HttpRequest, role: Role) -> bool:
    actor: Actor | None = getattr(request, "actor", None)
    return actor is not None and actor.role.allows(role)


@admin.register(Membership, site=site)
class MembershipAdmin(ReadOnlyTenantModelAdmin):
    """Who belongs to the tenant; `manage.py create_user` adds people."""

    read_role = Role.ADMIN
    list_display = ("user", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("user__email", "user__name")
    ordering = ("user__email",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the members of the tenant in the session."""
        tenant: Any = request.tenant  # type: ignore[attr-defined]
        return Membership.objects.filter(tenant=tenant).select_related("user").order_by("user__email")
