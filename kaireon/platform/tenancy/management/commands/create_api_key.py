"""`manage.py create_api_key --tenant SLUG --role admin`: create a key and print it alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kaireon.platform.commands import plain_errors, tenant_or_exit
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key


class Command(BaseCommand):
    """Create an API key; it is printed once and cannot be had again."""

    help = "Create an API key and print it. Example: manage.py create_api_key --tenant acme --role admin"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --tenant, --role, --name and --scope."""
        parser.add_argument("--tenant", required=True, help="slug or id")
        parser.add_argument("--role", choices=list(Role), default=Role.VIEWER)
        parser.add_argument("--name", default="command line")
        parser.add_argument("--scope", action="append", default=[], help="such as alerts:read; repeat; none = all")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Create and print it."""
        tenant = tenant_or_exit(options["tenant"])
        _, key = create_api_key(
            tenant=tenant, name=options["name"], role=Role(options["role"]), scopes=options["scope"], actor=SYSTEM,
            now=timezone.now(),
        )  # fmt: skip
        self.stdout.write(key)
