"""`manage.py outbox_crashtest`: kill real publishers at every boundary and show that nothing is lost."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from kaireon.platform.commands import BAD_CALL, plain_errors
from kaireon.platform.env import MountedSecretsEnv
from outbox.crashtest.readers.base import BackendUnreadable
from outbox.crashtest.readers.registry import make_reader
from outbox.crashtest.report import as_json, as_table
from outbox.crashtest.running import CrashTest, Options
from outbox.crashtest.tenant import other_publishers
from outbox.publishers.registry import make_publisher
from outbox.tier.settings import TierSettings

FAULT, INTERRUPTED = 1, 130
LEAST = {"rounds": 1, "events": 1, "keys": 1, "publishers": 1, "patience": 1}


class Command(BaseCommand):
    """Exit 0 when the outbox kept its word, 1 when it did not, 2 for a wrong call or a back end that is away."""

    help = (
        "Write events for a tenant of its own, kill publishers with SIGKILL at every boundary, read everything back "
        "from EVENT_PUBLISHER and count what was lost, duplicated, out of order or stuck. "
        "Example: EVENT_PUBLISHER=redis REDIS_URL=redis://localhost:6379/0 manage.py outbox_crashtest --rounds 50"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        shown = Options()
        parser.add_argument(
            "--rounds", type=int, default=shown.rounds, help="how many publishers to kill (%(default)s)"
        )
        parser.add_argument("--events", type=int, default=shown.events, help="how many events at least (%(default)s)")
        parser.add_argument("--keys", type=int, default=shown.keys, help="over how many keys (%(default)s)")
        parser.add_argument(
            "--publishers", type=int, default=shown.publishers, help="how many publish at a time (%(default)s)"
        )
        parser.add_argument(
            "--patience", type=int, default=shown.patience,
            help="seconds without one event leaving, until what is left counts as stuck (%(default)s)",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print an object instead of a table")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Options(**{name: _read(name, options[name]) for name in LEAST})
        env = MountedSecretsEnv()
        TierSettings.from_environment(env)
        publisher = make_publisher(env, settings.KAIREON_DATA_DIR)
        self._refuse_strangers(publisher.name)
        try:
            reader = make_reader(publisher, env)
            test = CrashTest(chosen, reader, backend=publisher.name, tell=self._teller(chosen.rounds))
            with _interrupting(test):
                findings = test.run()
        except BackendUnreadable as error:
            raise CommandError(str(error), returncode=BAD_CALL) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted; the test's rows are removed.", returncode=INTERRUPTED) from None
        self.stdout.write(json.dumps(as_json(findings), indent=2) if options["json"] else as_table(findings))
        if not findings.is_clean:
            raise SystemExit(FAULT)

    def _refuse_strangers(self, backend: str) -> None:
        """Refuse when somebody else's publishers would carry the test's events to where they are not looked for."""
        for name, other in other_publishers([], timezone.now()):
            if other != backend:
                raise CommandError(
                    f"The publisher {name} on this database publishes to {other}: set EVENT_PUBLISHER as it has it.",
                    returncode=BAD_CALL,
                )

    def _teller(self, rounds: int) -> Any:
        def tell(done: int) -> None:
            if self.stderr.isatty():
                self.stderr.write(f"\r{done} of {rounds} kills", ending="\n" if done == rounds else "")

        return tell


@contextmanager
def _interrupting(test: CrashTest) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the test where it leaves nothing behind."""
    before = {number: signal.signal(number, lambda *_: test.interrupt()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _read(name: str, value: int) -> int:
    if value < LEAST[name]:
        raise CommandError(f"--{name} must be at least {LEAST[name]}, not {value}.", returncode=BAD_CALL)
    return value
