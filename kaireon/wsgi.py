"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from kaireon.checks import require_sound_configuration
from kaireon.environment import prepare

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
prepare()
application = get_wsgi_application()
require_sound_configuration()
