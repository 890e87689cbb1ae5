"""Every mode by its name in the IR."""

from typing import Final, cast

from flows.targets.modes import append, blue_green, cdc_mirror, incremental, truncate, upsert
from flows.targets.modes.base import Mode

MODES: Final[dict[str, Mode]] = {
    "append": cast("Mode", append),
    "truncate": cast("Mode", truncate),
    "upsert": cast("Mode", upsert),
    "blue_green": cast("Mode", blue_green),
    "incremental_watermark": cast("Mode", incremental),
    "cdc_mirror": cast("Mode", cdc_mirror),
}
