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
from alerts.services.ticking import AlertTick, TickEntry, TickError, run_tick

__all__ = [
    "AlertTick",
    "TickEntry",
    "TickError",
    "acknowledge_rule",
    "add_default_rules",
    "create_rule",
    "delete_rule",
    "mute_rule",
    "purge_evaluations",
    "run_tick",
    "settle_transitions",
    "update_rule",
]
