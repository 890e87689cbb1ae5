"""The composition root as an app: commands, system checks, and the wiring of plug-ins."""

import atexit
import gc

from django.apps import AppConfig
from django.utils.module_loading import import_string

from kaireon import checks

__all__ = ["KaireonConfig", "checks"]

COLLECT_EVERY = 50_000


class KaireonConfig(AppConfig):
    """Wire the subsystems together once all models are loaded."""

    name = "kaireon"
    label = "kaireon"

    def ready(self) -> None:
        """Connect every registry to its plug-ins; nothing is started here."""
        # wiring imports models, which exist only now.
        import_string("kaireon.wiring.connect")()
        # What is loaded by now lives as long as the process, and a tick makes thousands of small objects that do not:
        # walking all of them every 700 allocations, Python's default, costs a third of the tick's own time.
        gc.freeze()
        # What is frozen is not let go at the end either, of which libraries in C++ complain.
        atexit.register(gc.unfreeze)
        gc.set_threshold(COLLECT_EVERY)
