"""`manage.py seed_demo`: make the demo tenant, once."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from kaireon.demo import seed_demo
from kaireon.platform.commands import plain_errors


class Command(BaseCommand):
    """Make the demo tenant; run again, it only makes sure that the admin and the API key work."""

    help = "Make the demo tenant with history, a destination and rules. Example: manage.py seed_demo"

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and say what was made."""
        seed = seed_demo(now=timezone.now())
        if options["verbosity"]:
            self.stdout.write(f"{'Made' if seed.is_new else 'Kept'} tenant {seed.tenant.slug} ({seed.tenant.pk}).")
