"""The form of a connector: its own fields, and those of its type made from the type's models; secrets stay out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import QueryDict

from flows.decisions.connector_types import DEFAULT_AUTH_METHOD, NO_AUTH, TYPES
from flows.decisions.vocabulary import ConnectorType
from flows.forms.controls import Control, Offers, controls_of
from flows.forms.shapes import Shape, shape_of_model
from flows.forms.typed import PREFIX, read_typed
from flows.models import Connector
from kaireon.platform.errors import DomainError
from kaireon.platform.forms import plain_lines, plain_text

KEPT: Final = "Leave it empty to keep what is stored."


class ConnectorForm(forms.Form):
    """What every connector has."""

    type = forms.ChoiceField(
        label="Type", choices=[(kind.value, info.title) for kind, info in TYPES.items()],
    )  # fmt: skip
    name = forms.CharField(max_length=120, label="Name", validators=[plain_text])
    description = forms.CharField(
        label="Description", required=False, max_length=2_000, validators=[plain_lines],
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    is_open = forms.BooleanField(
        label="Without credentials", required=False, help_text="A public bucket, an open server: nothing is signed"
    )

    def __init__(self, data: QueryDict | None, *, row: Connector | None = None) -> None:
        """Fill in what a kept connector shows; its secret stays out."""
        self.row = row
        kept = {"type": ConnectorType.LOCAL_FS.value}
        if row is not None:
            kept = {"type": row.type, "name": row.name, "description": row.description}
        is_open = row is not None and row.auth_method == NO_AUTH
        super().__init__(data, initial={**kept, "is_open": is_open}, auto_id="connector_%s")
        if row is not None:
            self.fields["type"].disabled = True

    @property
    def kind(self) -> ConnectorType:
        """Return the type that is chosen."""
        value = self.row.type if self.row else self["type"].value()
        return ConnectorType(value) if value in set(ConnectorType) else ConnectorType.LOCAL_FS


@dataclass(frozen=True, slots=True)
class TypePart:
    """The fields of one type; the page shows those of the chosen one."""

    kind: str
    config: Control
    secret: Control

    @property
    def has_secret(self) -> bool:
        """Tell whether there is anything secret to it."""
        return bool(self.secret.front or self.secret.more)


def parts_of(form: ConnectorForm, config: Mapping[str, Any], errors: Mapping[str, list[str]]) -> list[TypePart]:
    """Return the fields of every type, or of the one of a kept connector; values and errors stand at the chosen one."""
    kinds = [form.kind] if form.row is not None else list(TYPES)
    return [_part(kind, config if kind == form.kind else {}, errors if kind == form.kind else {}) for kind in kinds]


def _part(kind: ConnectorType, config: Mapping[str, Any], errors: Mapping[str, list[str]]) -> TypePart:
    def tree(shape: Shape, value: Mapping[str, Any]) -> Control:
        own = {
            path.removeprefix(f"{shape.name}."): texts for path, texts in errors.items() if path.startswith(shape.name)
        }
        made = controls_of(shape, value, own, Offers())
        for control in made.walk():
            control.name = control.name.replace(PREFIX, f"{PREFIX}.{kind}.{shape.name}", 1)
            control.id = control.id.replace(PREFIX, f"{PREFIX}-{kind}-{shape.name}", 1)
        return made

    return TypePart(kind.value, tree(_config_shape(kind), config), tree(_secret_shape(kind), {}))


def _config_shape(kind: ConnectorType) -> Shape:
    return shape_of_model(TYPES[kind].config, "config")


def _secret_shape(kind: ConnectorType) -> Shape:
    return shape_of_model(TYPES[kind].secret, "authConfig", is_secret=True)


def typed_config(form: ConnectorForm, post: QueryDict, kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the config that was typed for the chosen type."""
    value: dict[str, Any] = read_typed(_config_shape(form.kind), _own(form, post, "config"), kept)
    return value


def typed_secret(form: ConnectorForm, post: QueryDict) -> dict[str, Any]:
    """Return the secret that was typed for the chosen type; empty when none was."""
    value: dict[str, Any] = read_typed(_secret_shape(form.kind), _own(form, post, "authConfig"), None)
    return {name: each for name, each in value.items() if each not in ("", None)}


def _own(form: ConnectorForm, post: QueryDict, part: str) -> dict[str, str]:
    start = f"{PREFIX}.{form.kind}.{part}."
    return {f"{PREFIX}.{name.removeprefix(start)}": str(post[name]) for name in post if name.startswith(start)}


def values_of(form: ConnectorForm, post: QueryDict) -> dict[str, Any]:
    """Return the connector as the service takes it; a change without a typed secret keeps the stored one."""
    row, data = form.row, form.cleaned_data
    config, secret = typed_config(form, post, row.config if row else None), typed_secret(form, post)
    method = NO_AUTH if data["is_open"] else DEFAULT_AUTH_METHOD
    if row is not None and NO_AUTH not in {row.auth_method, method}:
        method = row.auth_method
    values = {"name": data["name"], "description": data["description"], "config": config, "auth_method": method}
    if row is None:
        return {**values, "type": form.kind.value, "auth_config": secret}
    # A PATCH merges: what was emptied on the page goes.
    values["config"] = {**dict.fromkeys(row.config), **config}
    if method == row.auth_method:
        del values["auth_method"]
    return {**values, "auth_config": secret} if secret else values


def place_refusal(form: ConnectorForm, refusal: DomainError) -> dict[str, list[str]]:
    """Show what names a field of the form beside it; return what belongs to the fields of the type."""
    rest: dict[str, list[str]] = {}
    for path, texts in refusal.fields.items():
        if path.startswith(("config", "authConfig")):
            rest[path] = list(texts)
        elif path in form.fields:
            form.add_error(path, list(texts))
    if not rest and not form.errors:
        form.add_error(None, refusal.message)
    return rest
