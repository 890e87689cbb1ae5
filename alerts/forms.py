"""The form of an alert rule: the API's limits, in the words of a page."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django import forms

from alerts.decisions import NoDataPolicy, Operator
from alerts.models import AlertRule
from alerts.selectors import RuleDraft, make_draft
from alerts.serializers.rules import MAX_COOLDOWN_MINUTES, MAX_PENDING_MINUTES, MAX_WINDOW_MINUTES
from interactions.selectors import Metric
from kaireon.platform.forms import plain_text

OPERATORS = [
    (Operator.GT, "is above (>)"),
    (Operator.GTE, "is at or above (≥)"),
    (Operator.LT, "is below (<)"),
    (Operator.LTE, "is at or below (≤)"),
    (Operator.EQ, "is exactly (=)"),
]
NO_DATA = [
    (NoDataPolicy.OK, "All is well"),
    (NoDataPolicy.ALERT, "A breach: tell somebody"),
    (NoDataPolicy.KEEP, "Whatever it was before"),
]
DEFAULTS: dict[str, Any] = {
    "operator": Operator.GTE, "window_minutes": 5, "cooldown_minutes": 60, "pending_minutes": 0,
    "no_data_policy": NoDataPolicy.OK, "notify_resolved": True, "enabled": True,
}  # fmt: skip
PLAIN = (
    "name", "metric", "operator", "threshold", "window_minutes", "cooldown_minutes", "pending_minutes",
    "no_data_policy", "notify_resolved", "enabled",
)  # fmt: skip


class AlertRuleForm(forms.Form):
    """Make or change a rule."""

    name = forms.CharField(
        max_length=120, label="Name", validators=[plain_text], help_text="What the message's subject says"
    )
    metric = forms.ChoiceField(label="Metric")
    operator = forms.ChoiceField(label="Fires when it", choices=OPERATORS)
    threshold = forms.FloatField(
        label="Threshold",
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text="Ratios as a fraction: 0.2 is 20 %",
    )
    window_minutes = forms.IntegerField(
        label="Window", min_value=1, max_value=MAX_WINDOW_MINUTES, help_text="Measured over the minutes up to now"
    )
    pending_minutes = forms.IntegerField(
        label="Wait", min_value=0, max_value=MAX_PENDING_MINUTES, help_text="A breach has to last this long"
    )
    cooldown_minutes = forms.IntegerField(
        label="Cooldown", min_value=0, max_value=MAX_COOLDOWN_MINUTES, help_text="Between two messages"
    )
    no_data_policy = forms.ChoiceField(label="No data means", choices=NO_DATA)
    notify_resolved = forms.BooleanField(
        label="Say when it is over", required=False, help_text="To everybody who was told that it began"
    )
    enabled = forms.BooleanField(label="Switched on", required=False, help_text="A rule that is off is not evaluated")
    destinations = forms.TypedMultipleChoiceField(
        label="Destinations", required=False, coerce=uuid.UUID, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, data: Mapping[str, Any] | None, *, metrics: Sequence[Metric], destination_ids: Collection[uuid.UUID],
        rule: AlertRule | None = None, initial: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Offer the catalogue's metrics and the tenant's destinations; a rule keeps the ones it names already."""
        kept = {**DEFAULTS, **(initial or {})}
        if rule is not None:
            kept = {name: getattr(rule, name) for name in PLAIN} | {"destinations": rule.provider_ids}
        super().__init__(data, initial=kept, auto_id="rule_%s")
        choices = [(metric.name, metric.title) for metric in metrics]
        if rule is not None and rule.metric not in dict(choices):
            choices.append((rule.metric, f"{rule.metric} (nothing measures it)"))
        self.rule = rule
        offered = [*destination_ids, *(rule.provider_ids if rule else ())]
        self._field("metric").choices = choices
        self._field("destinations").choices = [(str(each), str(each)) for each in dict.fromkeys(offered)]

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def chosen(self) -> set[str]:
        """Return the ids of the destinations that are ticked now: typed ones first, else the rule's."""
        values = self["destinations"].value() or []
        return {str(value) for value in values}

    def values(self) -> dict[str, Any]:
        """Return what the services take; channels only when another choice was made than the rule has."""
        values: dict[str, Any] = {name: self.cleaned_data[name] for name in PLAIN}
        chosen: list[uuid.UUID] = self.cleaned_data["destinations"]
        if self.rule is None or set(chosen) != set(self.rule.provider_ids):
            values["channels"] = [str(each) for each in chosen]
        return values

    def draft(self, tenant_id: uuid.UUID) -> RuleDraft:
        """Return the settings typed so far as a draft that can be played."""
        data = self.cleaned_data
        return make_draft(
            tenant_id=tenant_id, metric=data["metric"], operator=Operator(data["operator"]),
            threshold=data["threshold"], window_minutes=data["window_minutes"],
            cooldown_minutes=data["cooldown_minutes"], pending_minutes=data["pending_minutes"],
            no_data_policy=NoDataPolicy(data["no_data_policy"]), notify_resolved=data["notify_resolved"],
            provider_ids=data["destinations"],
        )  # fmt: skip


class MuteForm(forms.Form):
    """For how long a rule is silenced; 0 ends the silence."""

    CHOICES = (("60", "1 hour"), ("240", "4 hours"), ("1440", "1 day"), ("10080", "1 week"))

    minutes = forms.TypedChoiceField(choices=(*CHOICES, ("0", "Unmute")), coerce=int)


class BacktestForm(forms.Form):
    """How far back a rule is played."""

    CHOICES = (("1", "1 day"), ("7", "7 days"), ("30", "30 days"))

    days = forms.TypedChoiceField(choices=CHOICES, coerce=int)
