"""What Celery's workers start with: `celery -A kaireon worker`, with RUN_EXECUTOR=celery and CELERY_BROKER_URL."""

import os

from django.utils.module_loading import import_string

from kaireon.environment import prepare

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
prepare()
# Reads the settings, which what stands above has made ready.
app = import_string("flows.executors.celery.app")
