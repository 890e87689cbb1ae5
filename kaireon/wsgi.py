"""The WSGI application that granian serves, and what ticks beside it."""

import os

from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from django.utils.module_loading import import_string

from kaireon.checks import require_sound_configuration
from kaireon.environment import prepare

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
prepare()
application = get_wsgi_application()
require_sound_configuration()
# By its name: it knows models, and those can be imported only now.
import_string("triggers.services.clockwork.start_clockwork")(clock=timezone.now)
