"""Pages of alerting: the list, a rule, and the form."""

from alerts.views.acts import acknowledge, backtest, delete, mute, switch, test
from alerts.views.editing import edit_rule, new_rule, preview
from alerts.views.reading import rule_page, rules_page, timeline

__all__ = [
    "acknowledge",
    "backtest",
    "delete",
    "edit_rule",
    "mute",
    "new_rule",
    "preview",
    "rule_page",
    "rules_page",
    "switch",
    "test",
    "timeline",
]
