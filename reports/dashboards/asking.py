"""What somebody asks of a dashboard over the API or a form: which one, of when, narrowed to what, as what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaireon.platform.errors import Unprocessable
from reports.dashboards.declaration import Dashboard
from reports.dashboards.filters import DEFAULT_PERIOD, PERIODS, Filters
from reports.dashboards.registry import DASHBOARDS
from reports.decisions.vocabulary import Format


@dataclass(frozen=True, slots=True)
class ExportWish:
    """A dashboard as a file."""

    dashboard: Dashboard
    filters: Filters
    format: Format


def read_wish(asked: Mapping[str, Any]) -> ExportWish:
    """Return what is asked for, by `dashboard`, `period`, `format`, `channel_id` and `segment_id`.

    Raises Unprocessable that names every one of them that there is not.
    """
    known = {"dashboard": DASHBOARDS, "period": PERIODS, "format": {each.value: each for each in Format}}
    given = {"dashboard": asked.get("dashboard"), "period": asked.get("period", DEFAULT_PERIOD)}
    given["format"] = asked.get("format")
    wrong = {
        name: [f"Must be one of: {', '.join(known[name])}."]
        for name, value in given.items()
        if value not in known[name]
    }
    if wrong:
        raise Unprocessable("; ".join(f"{name}: {texts[0]}" for name, texts in wrong.items()), fields=wrong)
    filters = Filters(
        PERIODS[str(given["period"])], str(asked.get("channel_id") or ""), str(asked.get("segment_id") or "")
    )
    return ExportWish(DASHBOARDS[str(given["dashboard"])], filters, Format(str(given["format"])))
