#!/usr/bin/env python
"""Run a Django management command with Kaireon's environment prepared."""

import os
import sys

from django.core.management import execute_from_command_line

from kaireon.environment import prepare
from kaireon.platform.env import ConfigurationError


def main() -> None:
    """Prepare the environment, then hand over to Django; a wrong configuration is one line and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
    try:
        prepare()
        execute_from_command_line(sys.argv)
    except ConfigurationError as error:
        sys.stderr.write(f"kaireon: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
