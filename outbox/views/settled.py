"""What the tier was told by its environment and pages speak of; the web process is started with the same one."""

from typing import Final

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from outbox.tier.settings import TierSettings


def tier_settings() -> TierSettings:
    """Return the tier's settings; the defaults where a variable is wrong, which keeps the publisher from starting."""
    try:
        return TierSettings.from_environment(_ENVIRONMENT)
    except ConfigurationError:
        return TierSettings()


_ENVIRONMENT: Final = MountedSecretsEnv()
