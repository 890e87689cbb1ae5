"""The form of a destination: one form for all kinds; the page shows the fields of the chosen one."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from kaireon.platform.forms import plain_lines, plain_text
from kaireon.platform.notifications.models import MAX_NAME, Destination
from kaireon.platform.notifications.selectors import list_kinds
from kaireon.platform.notifications.services import PLACEHOLDER, generate_secret

# Which fields a kind has; the first one is what it cannot be without.
FIELDS_OF_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "slack": ("webhook_url",),
    "teams": ("webhook_url",),
    "webhook": ("url", "make_secret", "secret", "headers"),
    "ops_email": ("from_email", "recipients", "reply_to"),
}
FIELDS_OF_PATHS: Final = {
    "config.webhookUrl": "webhook_url",
    "config.url": "url",
    "config.secret": "secret",
    "config.headers": "headers",
    "config.fromEmail": "from_email",
    "config.recipients": "recipients",
    "config.replyTo": "reply_to",
    "name": "name",
    "kind": "kind",
}
MAX_ADDRESS: Final = 2048


class SecretInput(forms.TextInput):
    """A text input that never writes its value into the page."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave the value out."""
        return super().get_context(name, None, attrs)


def _secret(label: str, help_text: str) -> forms.CharField:
    widget = SecretInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, max_length=MAX_ADDRESS, required=False, widget=widget, help_text=help_text)


def _lines(label: str, help_text: str, maximum: int) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
    return forms.CharField(
        label=label, max_length=maximum, required=False, widget=widget, validators=[plain_lines], help_text=help_text
    )


class DestinationForm(forms.Form):
    """Make or change a destination. An empty secret of a kept destination means "unchanged"."""

    kind = forms.ChoiceField(label="Kind")
    name = forms.CharField(max_length=MAX_NAME, label="Name", validators=[plain_text], help_text="As rules show it")
    enabled = forms.BooleanField(label="Switched on", required=False, help_text="Nothing is sent to one that is off")
    webhook_url = _secret("Webhook URL", "As Slack or Teams made it. It is kept encrypted and never shown again.")
    url = _secret("URL", "HTTPS. It is kept encrypted and never shown again.")
    make_secret = forms.BooleanField(
        label="Make a signing secret for me", required=False, help_text="Shown once, after saving"
    )
    secret = _secret("Signing secret", "Signs every message (X-Kaireon-Signature and Standard Webhooks).")
    headers = _lines("Headers", "One to a line, such as Authorization: Bearer …; values are kept encrypted.", 50_000)
    from_email = forms.CharField(label="From", max_length=254, required=False, validators=[plain_text])
    recipients = _lines("Recipients", "One address to a line", 20_000)
    reply_to = forms.CharField(label="Reply to", max_length=254, required=False, validators=[plain_text])

    def __init__(
        self, data: Mapping[str, Any] | None, *, row: Destination | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Fill in what a kept destination shows; its secrets stay out."""
        self.row = row
        kept = _shown(row) if row is not None else {"enabled": True, "make_secret": True, **(initial or {})}
        super().__init__(data, initial=kept, auto_id="destination_%s")
        kinds: Any = self.fields["kind"]
        kinds.choices = [(each["kind"], each["displayName"]) for each in list_kinds()]
        for name in ("webhook_url", "url", "from_email", "recipients"):
            # Needed by its kind, so no page may call it optional; the form cannot require it of every kind.
            self.fields[name].is_needed = row is None or name in {"from_email", "recipients"}  # type: ignore[attr-defined]
        if row is not None:
            kinds.disabled = True
            self.fields["make_secret"].initial = False
            for name in ("webhook_url", "url", "secret"):
                self.fields[name].help_text = "Leave it empty to keep what is stored."
        if data is not None:
            # Header values are secrets: what was typed does not come back after an error elsewhere.
            self.fields["headers"].widget = _SecretLines(attrs={"rows": 3, "spellcheck": "false"})

    def clean(self) -> dict[str, Any]:
        """Require what the kind cannot be without, and read the headers."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind = data.get("kind", "")
        needed = FIELDS_OF_KINDS.get(kind, ("kind",))[0]
        if self.row is None and kind and not data.get(needed) and needed not in self.errors:
            self.add_error(needed, "This field is required.")
        if kind == "webhook" and "headers" not in self.errors:
            data["header_values"] = self._headers(data.get("headers", ""))
        return data

    def _headers(self, text: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            name, separator, value = line.partition(":")
            if not separator or not name.strip():
                self.add_error("headers", "Each line needs a name, a colon and a value.")
                break
            found[name.strip()] = value.strip()
        return found

    def config(self) -> tuple[dict[str, Any], str]:
        """Return the config as the services take it, and the secret that was made, to be shown once."""
        data, kind = self.cleaned_data, self.cleaned_data["kind"]
        if kind in {"slack", "teams"}:
            return self._kept_or({"webhookUrl": data["webhook_url"]}), ""
        if kind == "ops_email":
            recipients = [line.strip() for line in data["recipients"].splitlines() if line.strip()]
            reply_to = data["reply_to"] or None
            config = {"fromEmail": data["from_email"], "recipients": recipients, "replyTo": reply_to}
            return config if self.row or reply_to else {"fromEmail": data["from_email"], "recipients": recipients}, ""
        made = generate_secret() if data["make_secret"] and not data["secret"] else ""
        config = self._kept_or({"url": data["url"], "secret": made or data["secret"]})
        return {**config, "headers": data["header_values"]}, made

    def _kept_or(self, secrets: Mapping[str, str]) -> dict[str, Any]:
        """Return what was typed; of a kept destination an empty secret stays, of a new one it is left out."""
        shown = self.row.shown_config if self.row is not None else {}
        kept = {name: PLACEHOLDER for name, value in secrets.items() if not value and name in shown}
        return {name: value for name, value in secrets.items() if value} | kept


class _SecretLines(forms.Textarea):
    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


def _shown(row: Destination) -> dict[str, Any]:
    config = row.shown_config
    return {
        "kind": row.kind,
        "name": row.name,
        "enabled": row.enabled,
        "headers": "\n".join(f"{name}: {value}" for name, value in config.get("headers", {}).items()),
        "from_email": config.get("fromEmail", ""),
        "recipients": "\n".join(config.get("recipients", [])),
        "reply_to": config.get("replyTo") or "",
    }


class DeliveryFilterForm(forms.Form):
    """Narrow the list of deliveries."""

    state = forms.CharField(required=False, max_length=20)
    destination = forms.UUIDField(required=False)
