"""What alerting does: keep rules, evaluate them on a tick, tell people, settle what became of it."""

from alerts.services.purging import purge_evaluations
from alerts.services.rules import (
    acknowledge_rule,
    add_default_rules,
    create_rule,
    delete_rule,
    mute_rule,
    update_rule,
)
from alerts.services.settling import settle_transitions
from alerts.services.ticking import AlertTick, TickEntry, TickError, in_one_line, run_tick

__all__ = [
    "AlertTick",
    "TickEntry",
    "TickError",
    "acknowledge_rule",
    "add_default_rules",
    "create_rule",
    "delete_rule",
    "in_one_line",
    "mute_rule",
    "purge_evaluations",
    "run_tick",
    "settle_transitions",
    "update_rule",
]
