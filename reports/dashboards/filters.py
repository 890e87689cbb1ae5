"""The period and the filters of a dashboard, as its address and the export's body spell them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

DEFAULT_PERIOD: Final = "7d"
MAX_FILTER: Final = 255


@dataclass(frozen=True, slots=True)
class Period:
    """A choice of the period selector: calendar days of the viewer's zone, the last of them today."""

    key: str
    label: str
    days: int

    @property
    def words(self) -> str:
        """Return the period in a sentence."""
        return "today" if self.days == 1 else f"the last {self.days} days"

    @property
    def before_words(self) -> str:
        """Return what the figures are compared with."""
        return "yesterday" if self.days == 1 else f"the {self.days} days before"


PERIODS: Final[Mapping[str, Period]] = MappingProxyType(
    {
        period.key: period
        for period in (
            Period("today", "Today", 1),
            Period("7d", "7 days", 7),
            Period("14d", "14 days", 14),
            Period("30d", "30 days", 30),
            Period("90d", "90 days", 90),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a dashboard is narrowed to; an empty id is all."""

    period: Period = PERIODS[DEFAULT_PERIOD]
    channel_id: str = ""
    segment_id: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything but the period was chosen."""
        return bool(self.channel_id or self.segment_id)

    def params(self) -> dict[str, Any]:
        """Return the params of sources that say the same."""
        chosen = {"channelId": self.channel_id, "segmentId": self.segment_id}
        return {"days": self.period.days, **{name: value for name, value in chosen.items() if value}}

    def query(self) -> dict[str, str]:
        """Return what the page's address says: only what differs from the page without anything."""
        chosen = {"period": self.period.key, "channel": self.channel_id, "segment": self.segment_id}
        return {name: value for name, value in chosen.items() if value and (name, value) != ("period", DEFAULT_PERIOD)}


def read_query(query: Mapping[str, str]) -> Filters:
    """Return what an address asks for; a page is shown whatever it says, so an unknown period is the default one."""
    return Filters(
        period=PERIODS.get(query.get("period", ""), PERIODS[DEFAULT_PERIOD]),
        channel_id=_text(query.get("channel", "")),
        segment_id=_text(query.get("segment", "")),
    )


def _text(value: str) -> str:
    return "".join(sign for sign in value if sign.isprintable()).strip()[:MAX_FILTER]
