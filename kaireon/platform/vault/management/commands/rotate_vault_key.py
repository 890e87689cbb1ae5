"""`manage.py rotate_vault_key`: re-encrypt every secret with the current key."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kaireon.platform.commands import plain_errors
from kaireon.platform.vault.services import rotate_batch


class Command(BaseCommand):
    """Re-encrypt in batches; may be interrupted and started again."""

    help = (
        "Re-encrypt the vault. Set CONNECTOR_ENCRYPTION_KEY to the new key and CONNECTOR_ENCRYPTION_KEY_PREVIOUS to "
        "the old one, restart every process, then run: manage.py rotate_vault_key. Exit 1 when a secret does not open."
    )

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate until nothing is left; name what does not open."""
        total, failed = 0, dict[uuid.UUID, str]()
        while True:
            done, newly_failed = rotate_batch(skip=frozenset(failed))
            total += done
            failed |= newly_failed
            if not done and not newly_failed:
                break
        self.stdout.write(f"{total} secrets re-encrypted, {len(failed)} did not open.")
        for reason in failed.values():
            self.stderr.write(reason)
        if failed:
            raise CommandError("Some secrets did not open; the old key must stay configured.", returncode=1)
