"""Wire shapes of a backfill."""
# ruff: noqa: N815 - the wire's names

from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from triggers.decisions.backfill import BackfillState
from triggers.services.backfilling import Backfill


class BackfillInput(StrictSerializer):
    """The range, both ends included; a dry run says what would run."""

    to = StrictDateTimeField()
    dryRun = StrictBooleanField(required=False, default=False)

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which no class body can name."""
        return {"from": StrictDateTimeField(), **super().get_fields()}


class BackfillLineShape(StrictSerializer):
    """An occurrence of the range."""

    occurrence = StrictDateTimeField()
    state = serializers.ChoiceField(choices=[item.value for item in BackfillState])
    runId = StrictUUIDField(allow_null=True)


class BackfillShape(StrictSerializer):
    """What a backfill runs, or of a dry run would run."""

    dryRun = StrictBooleanField()
    dispatched = StrictIntegerField()
    occurrences = BackfillLineShape(many=True)


def backfill_json(found: Backfill, *, is_dry_run: bool) -> dict[str, Any]:
    """Return a backfill as it is read."""
    return {
        "dryRun": is_dry_run,
        "dispatched": found.dispatched,
        "occurrences": [
            {"occurrence": format_time(at), "state": state.value, "runId": run_id and str(run_id)}
            for at, state, run_id in found.occurrences
        ],
    }
