"""Wire shapes of pushes: ours, EventBridge's and S3's own; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from typing import Any, Final
from urllib.parse import unquote_plus

from rest_framework import serializers

from flows.storage.keys import LONGEST_KEY
from kaireon.platform.errors import BadRequest
from kaireon.platform.fields import StrictCharField, StrictListField, StrictSerializer, StrictUUIDField, check_text
from triggers.decisions.pushes import NativePush, ObjectsPush, Push, PushedObject
from triggers.services.resolving import Pushed

MOST_RECORDS: Final = 100
LONGEST_BUCKET: Final = 255


class NativePushInput(StrictSerializer):
    """A file for one pipeline. `objectKey` is the whole key, or as much of its end as one likes."""

    pipelineId = StrictUUIDField()
    tenantId = StrictUUIDField()
    objectKey = StrictCharField(max_length=LONGEST_KEY, trim_whitespace=False)


class BucketShape(serializers.Serializer[Any]):
    """The bucket of an event."""

    name = StrictCharField(max_length=LONGEST_BUCKET)


class ObjectShape(serializers.Serializer[Any]):
    """The object of an event; its key is plain text. What else AWS says of it is looked up in the store."""

    key = StrictCharField(max_length=LONGEST_KEY, trim_whitespace=False)


class DetailShape(serializers.Serializer[Any]):
    """The detail of an `Object Created` event."""

    bucket = BucketShape()
    object = ObjectShape()


class EventBridgeInput(serializers.Serializer[Any]):
    """An event as EventBridge forwards it; what else stands in the envelope is AWS's and is let be."""

    detail = DetailShape()


class EncodedObjectShape(serializers.Serializer[Any]):
    """The object of a notification; its key is encoded as in a form."""

    key = StrictCharField(max_length=LONGEST_KEY * 3, trim_whitespace=False)


class RecordShape(serializers.Serializer[Any]):
    """What a notification tells of S3."""

    bucket = BucketShape()
    object = EncodedObjectShape()


class NotificationRecord(serializers.Serializer[Any]):
    """One record of a notification."""

    s3 = RecordShape()


class NotificationInput(serializers.Serializer[Any]):
    """A notification as S3 itself writes it."""

    Records = StrictListField(child=NotificationRecord(), max_length=MOST_RECORDS)


class DispatchedShape(StrictSerializer):
    """A run that began."""

    pipelineId = StrictUUIDField()
    runId = StrictUUIDField()


class IgnoredShape(StrictSerializer):
    """A pipeline for which none began, and why; `kept: fires at …` waits for its debounce and then fires by itself."""

    pipelineId = StrictUUIDField()
    reason = StrictCharField()


class PushedShape(StrictSerializer):
    """What became of a push."""

    dispatched = DispatchedShape(many=True)
    ignored = IgnoredShape(many=True)


def read_push(body: Any) -> Push:
    """Return what a body says, in any of the three forms. Raises ValidationError and BadRequest."""
    if isinstance(body, dict) and "detail" in body:
        detail = _validated(EventBridgeInput, body)["detail"]
        return ObjectsPush((PushedObject(detail["bucket"]["name"], detail["object"]["key"]),))
    if isinstance(body, dict) and "Records" in body:
        records = _validated(NotificationInput, body)["Records"]
        return ObjectsPush(tuple(_decoded(index, record["s3"]) for index, record in enumerate(records)))
    values = _validated(NativePushInput, body)
    return NativePush(values["pipelineId"], values["tenantId"], values["objectKey"])


def pushed_json(pushed: Pushed) -> dict[str, Any]:
    """Return what became of a push."""
    return {
        "dispatched": [{"pipelineId": str(row), "runId": str(run)} for row, run in pushed.dispatched],
        "ignored": [{"pipelineId": str(row), "reason": reason} for row, reason in pushed.ignored],
    }


def _validated(serializer_class: type[serializers.Serializer[Any]], body: Any) -> dict[str, Any]:
    serializer = serializer_class(data=body)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _decoded(index: int, said: dict[str, Any]) -> PushedObject:
    key = unquote_plus(said["object"]["key"])
    try:
        # What was encoded is looked at once more: %00 is a NUL.
        check_text(key)
    except serializers.ValidationError as error:
        field = f"Records[{index}].s3.object.key"
        raise BadRequest(f"{field}: {error.detail[0]}", fields={field: [str(error.detail[0])]}) from None  # type: ignore[index]
    return PushedObject(said["bucket"]["name"], key)
