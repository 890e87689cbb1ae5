"""`manage.py outbox_publisher`: the publisher tier, in a process of its own."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from kaireon.platform.commands import plain_errors
from kaireon.platform.env import MountedSecretsEnv
from kaireon.platform.loops import EXIT_FAILURES, EXIT_OK, Loop, StopSignal
from outbox.publishers.base import BackendDown
from outbox.publishers.registry import make_publisher
from outbox.tier.checks import check_startup
from outbox.tier.liveness import LivenessFile
from outbox.tier.publisher import PublisherTier, is_transient
from outbox.tier.scraping import serve_metrics
from outbox.tier.settings import TierSettings
from outbox.tier.wakeup import Bell, listening_session

NAME = "outbox-publisher"


class Command(BaseCommand):
    """Publish events until stopped; exit 2 for a wrong setting, 3 after 30 failures in a row that no wait mends.

    With --once nothing is waited for: exit 3 when the back end is away or refuses, and the events stay.
    """

    help = (
        "Publish the outbox's events until stopped. Exit 2: a wrong setting. Exit 3: 30 failures in a row that no wait"
        " mends; with --once a back end that is away or refuses. Example: EVENT_PUBLISHER=kafka"
        " KAFKA_BOOTSTRAP_SERVERS=broker:9092 manage.py outbox_publisher"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="publish what is there now, then exit")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        env = MountedSecretsEnv()
        tier_settings = TierSettings.from_environment(env)
        publisher = make_publisher(env, settings.KAIREON_DATA_DIR)
        if options["once"]:
            publish_once(PublisherTier(publisher=publisher, settings=tier_settings))
            return
        check_startup(tier_settings, env)
        serve_metrics(
            tier_settings.metrics_port, is_chosen="OUTBOX_METRICS_PORT" in env.ENVIRON,
            host=tier_settings.metrics_host, token=settings.METRICS_TOKEN,
        )  # fmt: skip
        stopping = StopSignal()
        url = env.secret("OUTBOX_LISTEN_URL")
        bell = Bell(lambda: listening_session(url, connection.get_connection_params()))
        tier = PublisherTier(publisher=publisher, settings=tier_settings, bell=bell, stopping=stopping)
        loop = Loop(
            NAME, LivenessFile(tier_settings.liveness_file).before(tier.step), idle_seconds=tier_settings.poll_seconds,
            drain=tier.drain, pause=tier.pause, is_transient=is_transient,
            failure_message="outbox-publisher tick failed", stopping=stopping,
        )  # fmt: skip
        code = loop.run()
        if code != EXIT_OK:
            raise SystemExit(code)


def publish_once(tier: PublisherTier) -> None:
    """Publish until nothing is due; exit 3 when the back end does not take it, for then the events stay."""
    try:
        while tier.step():
            pass
    except BackendDown as error:
        raise CommandError(str(error), returncode=EXIT_FAILURES) from None
    finally:
        tier.drain()
