"""The tier's settings, from the environment; a wrong one is named and ends the process with exit code 2."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from kaireon.platform.env import MountedSecretsEnv

DEFAULT_LIVENESS_FILE: Final = "/tmp/outbox-publisher.alive"  # noqa: S108 - the documented default
DEFAULT_METRICS_PORT: Final = 9464
ALL_INTERFACES: Final = "0.0.0.0"  # noqa: S104 - who may scrape is METRICS_TOKEN's matter


@dataclass(frozen=True, slots=True)
class TierSettings:
    """How a publisher behaves; times in seconds, `history_hours` 0 keeps nothing, `metrics_port` 0 opens none."""

    batch_size: int = 500
    poll_seconds: float = 2.0
    lease_seconds: float = 30.0
    drain_seconds: float = 15.0
    max_attempts: int = 10
    history_hours: int = 24
    liveness_file: Path | None = None
    metrics_port: int = DEFAULT_METRICS_PORT
    metrics_host: str = ALL_INTERFACES

    @property
    def publish_seconds(self) -> float:
        """Return how long one publish may take: half the lease, so that a live publisher never loses one."""
        return self.lease_seconds / 2

    @classmethod
    def from_environment(cls, env: MountedSecretsEnv) -> Self:
        """Read the variables `OUTBOX_…`; raise ConfigurationError that names the wrong one."""
        return cls(
            batch_size=env.number("OUTBOX_BATCH_SIZE", 500, minimum=1, maximum=10_000),
            poll_seconds=env.number("OUTBOX_POLL_INTERVAL_MS", 2000, minimum=10, maximum=60_000) / 1000,
            lease_seconds=env.number("OUTBOX_LEASE_SECONDS", 30, minimum=1, maximum=3600),
            drain_seconds=env.number("OUTBOX_SHUTDOWN_DRAIN_TIMEOUT_MS", 15_000, minimum=0, maximum=600_000) / 1000,
            max_attempts=env.number("OUTBOX_MAX_ATTEMPTS", 10, minimum=1, maximum=1000),
            history_hours=env.number("OUTBOX_HISTORY_HOURS", 24, minimum=0, maximum=24 * 31),
            liveness_file=Path(env.ENVIRON.get("OUTBOX_LIVENESS_FILE", "").strip() or DEFAULT_LIVENESS_FILE),
            metrics_port=env.number("OUTBOX_METRICS_PORT", DEFAULT_METRICS_PORT, minimum=0, maximum=65_535),
            metrics_host=env.str("OUTBOX_METRICS_HOST", default="").strip() or ALL_INTERFACES,
        )
