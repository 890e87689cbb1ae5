"""`manage.py create_tenant "Acme Bank"`: create a tenant and print its id."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kaireon.platform.commands import plain_errors
from kaireon.platform.tenancy.services import create_tenant


class Command(BaseCommand):
    """Create a tenant with its default alert rules; print its id alone."""

    help = 'Create a tenant and print its id. Example: manage.py create_tenant "Acme Bank" --timezone Europe/Berlin'

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare NAME, --slug and --timezone."""
        parser.add_argument("name")
        parser.add_argument("--slug", default="", help="short name for commands and URLs; made of NAME by default")
        parser.add_argument("--timezone", default="UTC", help="IANA zone")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Create it."""
        tenant = create_tenant(
            name=options["name"], slug=options["slug"], timezone=options["timezone"], now=timezone.now()
        )
        self.stdout.write(str(tenant.pk))
