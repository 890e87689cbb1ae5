"""What one evaluation came to, on its way to the tables."""

import uuid
from typing import NamedTuple

from alerts.decisions import Decision, Reading, RuleSnapshot
from alerts.selectors.snapshots import LockedRule


class Evaluated(NamedTuple):
    """A rule, what was read, what was decided, and the state that follows. `incident_id` is that of the decision."""

    rule: LockedRule
    reading: Reading
    decision: Decision
    after: RuleSnapshot
    incident_id: uuid.UUID | None
