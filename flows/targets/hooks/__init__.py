"""What is done before and after a load: in its transaction, or after the commit.

Doors: `run_hook` (SQL, refresh, function), `after_commit_hooks` (webhooks), `check_hooks` (before anything is written).
"""

from flows.targets.hooks.after import Written, after_commit_hooks
from flows.targets.hooks.running import check_hooks, run_hook

__all__ = ["Written", "after_commit_hooks", "check_hooks", "run_hook"]
