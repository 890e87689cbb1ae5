"""Shared manners of management commands: one clear line and exit code 2 for a wrong call."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from django.core.management.base import CommandError
from django.db import OperationalError, connection

from kaireon.platform.env import ConfigurationError
from kaireon.platform.errors import DomainError
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.selectors import find_tenant

BAD_CALL = 2
P = ParamSpec("P")


def plain_errors(handle: Callable[P, Any]) -> Callable[P, Any]:
    """Turn a refused use case, or a database that does not answer, into one line on stderr and exit code 2."""

    @functools.wraps(handle)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return handle(*args, **kwargs)
        except (DomainError, ConfigurationError) as error:
            raise CommandError(str(error), returncode=BAD_CALL) from None
        except OperationalError as error:
            if connection.is_usable():
                raise
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"The database does not answer: {reason}", returncode=BAD_CALL) from None

    return wrapped


def tenant_or_exit(text: str) -> Tenant:
    """Return the tenant with this slug or id; raise CommandError (exit 2) when there is none."""
    tenant = find_tenant(text)
    if tenant is None:
        raise CommandError(f"There is no tenant {text!r}.", returncode=BAD_CALL)
    return tenant
