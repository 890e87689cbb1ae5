"""The web server of `kaireon.wsgi` by a simulated clock: granian serves it in tests of the scheduler."""

import os

from django.utils import timezone
from django.utils.module_loading import import_string

from tests.chaos.simulated_clock import SimulatedClock

# Before anything of ours is loaded and keeps the real one.
timezone.now = SimulatedClock.of(os.environ).now
application = import_string("kaireon.wsgi.application")
