"""The world of push tests: who pushes with which secret, and what about."""

from typing import Any

from rest_framework.test import APIClient

from flows.models import Pipeline
from kaireon.platform.tenancy.actors import SYSTEM
from tests.triggers.files.world import NOW
from triggers.services.secrets import MadeSecret, create_secret

PATH = "/api/v1/triggers/file-arrival"
CRON = "test-cron-secret-of-more-than-32-characters"


def push(body: Any, secret: str = CRON, **headers: str) -> Any:
    """Push with a secret as `x-cron-secret`, unless other headers are given."""
    return APIClient().post(PATH, body, format="json", headers=headers or {"x-cron-secret": secret})


def native(pipeline: Pipeline, key: str = "inbox/a.csv", **changes: Any) -> dict[str, Any]:
    """Return the native body for a file of a pipeline."""
    return {"pipelineId": str(pipeline.pk), "tenantId": str(pipeline.tenant_id), "objectKey": key} | changes


def event(bucket: str, key: str) -> dict[str, Any]:
    """Return an `Object Created` event as EventBridge forwards it, with all that AWS sends."""
    return {
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created",
        "source": "aws.s3", "account": "111122223333", "time": "2026-11-12T00:00:00Z", "region": "eu-central-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {
                "key": key, "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "sequencer": "617f08299329d189",
            },
            "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012", "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }  # fmt: skip


def notification(*objects: tuple[str, str]) -> dict[str, Any]:
    """Return a notification as S3 writes it; keys are given encoded."""
    return {
        "Records": [
            {
                "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1",
                "eventName": "ObjectCreated:Put",
                "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": {"key": key, "size": 5}},
            }
            for bucket, key in objects
        ]
    }  # fmt: skip


def secret_for(pipeline: Pipeline, name: str = "") -> MadeSecret:
    """Make a trigger secret of a pipeline."""
    return create_secret(tenant=pipeline.tenant, pipeline_id=pipeline.pk, name=name, actor=SYSTEM, now=NOW)
