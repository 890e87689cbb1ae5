"""Import first in a process that uses ours: Django is set up when this module is there."""

import logging
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
django.setup()
logging.disable(logging.INFO)
