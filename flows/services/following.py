"""Who follows pipelines from above: told, in the transaction, when what is live changes; asked when a version is saved.

Flows know nobody above them, so whoever follows registers here (settled 11).
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from flows.decisions.connector_types import Errors
from flows.ir.pipeline import PipelineIR
from kaireon.platform.tenancy.models import Tenant


class Change(StrEnum):
    """What became of a pipeline."""

    CREATED = "created"
    PUBLISHED = "published"
    # Its connector, name or execution config.
    UPDATED = "updated"
    PAUSED = "paused"
    RESUMED = "resumed"
    # Told before its rows go.
    DELETED = "deleted"


class Follow(Protocol):
    """Takes note of a change, in the transaction that makes it; the pipeline's row is locked."""

    def __call__(self, *, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, change: Change, now: datetime) -> None:
        """Take note; whatever is raised undoes the change."""
        ...


class Check(Protocol):
    """Says what is wrong with an IR that is to be saved, by the IR's own paths; `pipeline_id` is None for a new one."""

    def __call__(
        self, tenant: Tenant, ir: PipelineIR, *, pipeline_id: uuid.UUID | None, connector_id: uuid.UUID | None
    ) -> Errors:
        """Return the errors by path."""
        ...


FollowConnector = Callable[[uuid.UUID, uuid.UUID, datetime], None]
_followers: list[Follow] = []
_connector_followers: list[FollowConnector] = []
_checks: list[Check] = []
_warnings: list[Check] = []


def follow_pipelines(follow: Follow) -> None:
    """Register who is told of changes; registering twice changes nothing."""
    if follow not in _followers:
        _followers.append(follow)


def follow_connectors(follow: FollowConnector) -> None:
    """Register who is told, with tenant, connector and time, that a connector leads elsewhere or signs in otherwise."""
    if follow not in _connector_followers:
        _connector_followers.append(follow)


def check_versions_with(check: Check) -> None:
    """Register who is asked before a version is saved; registering twice changes nothing."""
    if check not in _checks:
        _checks.append(check)


def warn_of_versions_with(check: Check) -> None:
    """Register who says what a run of an IR may stumble over, though it can be saved; twice changes nothing."""
    if check not in _warnings:
        _warnings.append(check)


def tell_change(tenant_id: uuid.UUID, pipeline_id: uuid.UUID, change: Change, now: datetime) -> None:
    """Tell whoever follows; joins the caller's transaction."""
    for follow in _followers:
        follow(tenant_id=tenant_id, pipeline_id=pipeline_id, change=change, now=now)


def tell_connector_change(tenant_id: uuid.UUID, connector_id: uuid.UUID, now: datetime) -> None:
    """Tell whoever follows connectors; joins the caller's transaction."""
    for follow in _connector_followers:
        follow(tenant_id, connector_id, now)


def followers_errors(
    tenant: Tenant, ir: PipelineIR, *, pipeline_id: uuid.UUID | None, connector_id: uuid.UUID | None
) -> Errors:
    """Return what those who follow have against an IR."""
    return _asked(_checks, tenant, ir, pipeline_id, connector_id)


def followers_warnings(
    tenant: Tenant, ir: PipelineIR, *, pipeline_id: uuid.UUID | None, connector_id: uuid.UUID | None
) -> Errors:
    """Return what those who follow think worth a look in an IR that can be saved."""
    return _asked(_warnings, tenant, ir, pipeline_id, connector_id)


def _asked(
    checks: list[Check], tenant: Tenant, ir: PipelineIR, pipeline_id: uuid.UUID | None, connector_id: uuid.UUID | None
) -> Errors:
    found: Errors = {}
    for check in checks:
        for path, texts in check(tenant, ir, pipeline_id=pipeline_id, connector_id=connector_id).items():
            found.setdefault(path, []).extend(texts)
    return found
