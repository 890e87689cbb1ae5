"""Forms of the API key page."""

from datetime import timedelta

from django import forms

from kaireon.platform.tenancy.roles import ROLE_CHOICES

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "No expiry")]


class ApiKeyForm(forms.Form):
    """Make a key."""

    name = forms.CharField(max_length=120, label="Name", help_text="Who or what will use it")
    role = forms.ChoiceField(choices=ROLE_CHOICES, label="Role")
    lifetime = forms.ChoiceField(choices=LIFETIMES, label="Expires after", required=False, initial="90")

    def lifetime_delta(self) -> timedelta | None:
        """Return how long the key lives, or None for ever."""
        days = self.cleaned_data["lifetime"]
        return timedelta(days=int(days)) if days else None
