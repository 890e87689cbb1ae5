"""Wire shapes of a pipeline's IR and its versions; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from flows.ir.parsing import IrProblem
from flows.models import PipelineVersion
from flows.services.checking import Checked
from kaireon.platform.characters import json_refusal
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)

MAX_TEXT: Final = 2_000
MAX_SHOWN: Final = 1_000
MAX_VERSION: Final = 2**31 - 1
IR_HELP: Final = "See GET /api/v1/pipelines/ir-schema"


class IrField(StrictJSONField):
    """An IR as it is sent: what stands in it is read as a whole, with all its problems at once."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the object; raise ValidationError for another type, or what no database can hold."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        if refusal := json_refusal(data):
            raise serializers.ValidationError(refusal)
        return data


class SaveVersionInput(StrictSerializer):
    """The body that saves a version: the IR under `ir`, or the IR itself as the body."""

    ir = IrField(help_text=IR_HELP)
    comment = StrictCharField(max_length=MAX_TEXT, multiline=True, required=False, allow_blank=True)
    expectedVersion = StrictIntegerField(
        source="expected_version", required=False, min_value=1, max_value=MAX_VERSION,
        help_text="The latest version that the change was made to; another one is a conflict",
    )  # fmt: skip
    publish = StrictBooleanField(required=False, default=False)

    def to_internal_value(self, data: Any) -> Any:
        """Validate; a body that is an IR itself is taken for one."""
        is_bare = isinstance(data, Mapping) and data.get("kind") == "pipeline" and "ir" not in data
        return super().to_internal_value({"ir": data} if is_bare else data)


class PublishInput(StrictSerializer):
    """Which version is to run."""

    version = StrictIntegerField(min_value=1, max_value=MAX_VERSION)


class ValidateInput(StrictSerializer):
    """An IR that nobody has saved, or nothing for the latest version."""

    ir = serializers.JSONField(required=False, help_text=IR_HELP)


class VersionShape(StrictSerializer):
    """A version without its IR."""

    version = StrictIntegerField()
    authoredBy = StrictCharField(allow_blank=True)
    comment = StrictCharField(allow_blank=True, max_length=None)
    createdAt = StrictDateTimeField()
    isLive = StrictBooleanField()


class VersionListShape(StrictSerializer):
    """All versions of a pipeline, newest first."""

    data = VersionShape(many=True)  # type: ignore[assignment]


class VersionIrShape(VersionShape):
    """A version with its IR."""

    pipelineId = StrictUUIDField()
    irVersion = StrictCharField()
    ir = serializers.DictField()


class ProblemShape(StrictSerializer):
    """A problem of an IR, and where it stands in it."""

    path = StrictCharField(allow_blank=True, max_length=None)
    message = StrictCharField(max_length=None)


class ValidationShape(StrictSerializer):
    """Whether an IR could be saved."""

    valid = StrictBooleanField()
    errors = ProblemShape(many=True)  # type: ignore[assignment]
    warnings = ProblemShape(many=True)


def version_json(version: PipelineVersion, live: int | None) -> dict[str, Any]:
    """Return a version without its IR."""
    return {
        "version": version.version,
        "authoredBy": version.authored_by,
        "comment": version.comment,
        "createdAt": format_time(version.created_at),
        "isLive": version.version == live,
    }


def version_ir_json(version: PipelineVersion, live: int | None) -> dict[str, Any]:
    """Return a version with its IR."""
    return {
        **version_json(version, live),
        "pipelineId": str(version.pipeline_id),
        "irVersion": version.ir.get("version", "1.0"),
        "ir": version.ir,
    }


def validation_json(checked: Checked) -> dict[str, Any]:
    """Return what is wrong with an IR, and what a run may stumble over."""
    return {
        "valid": checked.is_valid,
        "errors": [_problem_json(each) for each in checked.errors],
        "warnings": [_problem_json(each) for each in checked.warnings],
    }


def _problem_json(problem: IrProblem) -> dict[str, Any]:
    # What was sent is not sent back by the megabyte.
    return {"path": problem.path[:MAX_SHOWN], "message": problem.message[:MAX_SHOWN]}
