"""What a pipeline may reach: the SQL of its hooks, and the web addresses that it reads and tells."""

from flows.decisions.connector_types import Errors
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode
from flows.ir.targets import Hook, SqlHook, TargetNode, WebhookHook
from flows.targets.base import TargetRefused
from flows.targets.hooks.guard import guarded
from kaireon.platform.addresses import AddressRefusedError
from kaireon.platform.http import tenant_session
from kaireon.platform.tenancy.models import Tenant


def reach_errors(tenant: Tenant, ir: PipelineIR) -> Errors:
    """Return what a run of an IR would refuse to call or to execute, as `nodes[index].postHook.statement`.

    Looks at texts only: what a name stands for, and which tables there are, is found when it runs.
    """
    found: dict[str, str] = {}
    for index, node in enumerate(ir.nodes):
        if isinstance(node, SourceNode) and node.connector == "http_pull" and "://" in node.config.path:
            found[f"nodes[{index}].config.path"] = _address_refusal(node.config.path)
        if isinstance(node, TargetNode):
            for name, hook in (("preHook", node.pre_hook), ("postHook", node.post_hook)):
                field, refusal = _hook_refusal(hook, tenant.data_schema)
                found[f"nodes[{index}].{name}.{field}"] = refusal
    return {path: [refusal] for path, refusal in found.items() if refusal}


def _hook_refusal(hook: Hook | None, data_schema: str) -> tuple[str, str]:
    """Return which field of a hook is refused and why, both empty when none is."""
    if isinstance(hook, WebhookHook):
        return "url", _address_refusal(hook.url)
    if isinstance(hook, SqlHook):
        try:
            guarded(hook.statement, data_schema)
        except TargetRefused as refusal:
            return "statement", refusal.message
    return "", ""


def _address_refusal(url: str) -> str:
    try:
        tenant_session().check(url)
    except AddressRefusedError as refusal:
        return str(refusal)
    return ""
