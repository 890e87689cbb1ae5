"""`manage.py create_user EMAIL --tenant SLUG --role admin`: create a member; print the password of a new one."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kaireon.platform.commands import plain_errors, tenant_or_exit
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_user


class Command(BaseCommand):
    """Create a user, or add an existing one to a tenant."""

    help = (
        "Create a user and print the password, unless KAIREON_USER_PASSWORD gave one; an existing user keeps theirs. "
        "Example: manage.py create_user ada@example.com --tenant acme --role editor"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare EMAIL, --tenant and --role."""
        parser.add_argument("email")
        parser.add_argument("--tenant", required=True, help="slug or id")
        parser.add_argument("--role", choices=list(Role), default=Role.VIEWER)

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Create the user; the password comes from the environment, never from the command line."""
        given = os.environ.get("KAIREON_USER_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        tenant = tenant_or_exit(options["tenant"])
        user = create_user(
            email=options["email"], password=password, tenant=tenant, role=Role(options["role"]), now=timezone.now()
        )
        if not user.check_password(password):
            self.stderr.write(f"{user.email} existed already and keeps their password.")
        elif not given:
            self.stdout.write(password)
