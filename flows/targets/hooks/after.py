"""Webhooks: told after the commit, through the outbound rules; what goes wrong is a warning of the run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flows.ir.targets import TargetNode, WebhookHook
from flows.targets.base import LoadContext, Loaded
from kaireon.platform.http import OutboundError, OutboundSession, tenant_session

Written = tuple[TargetNode, LoadContext, Loaded]


@dataclass(frozen=True, slots=True)
class Telling:
    """One webhook to call."""

    url: str
    body: bytes
    node_id: str


def after_commit_hooks(written: Sequence[Written], *, session: OutboundSession | None = None) -> tuple[str, ...]:
    """Call the webhooks of the targets that were written, once each; return a warning for each that did not take it.

    Each gets JSON: runId, pipelineId, nodeId, table, loadMode, rowsWritten, rowsSkipped, at.
    """
    outbound = session or tenant_session()
    tellings = [_telling(*each) for each in written if isinstance(each[0].post_hook, WebhookHook)]
    return tuple(warning for telling in tellings if (warning := _tell(outbound, telling)))


def _telling(target: TargetNode, context: LoadContext, loaded: Loaded) -> Telling:
    assert isinstance(target.post_hook, WebhookHook)
    body = {
        "runId": str(context.run_id), "pipelineId": str(context.pipeline_id), "nodeId": target.id,
        "table": target.table if "." in target.table else f"public.{target.table}", "loadMode": target.load_mode,
        "rowsWritten": loaded.rows_written, "rowsSkipped": loaded.rows_skipped, "at": context.now.isoformat(),
    }  # fmt: skip
    return Telling(target.post_hook.url, json.dumps(body).encode(), target.id)


def _tell(outbound: OutboundSession, telling: Telling) -> str:
    try:
        answer = outbound.request(
            "POST", telling.url, headers={"Content-Type": "application/json"}, body=telling.body
        )  # fmt: skip
    except OutboundError as error:
        return f"{telling.node_id}: the webhook was not told: {error.message}"
    if 200 <= answer.status < 300:
        return ""
    return f"{telling.node_id}: the webhook answered {answer.status}."
