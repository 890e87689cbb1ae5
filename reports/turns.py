"""Turns at reports that are made while somebody waits for them: previews, exports, runs now.

Each may take many seconds of a thread that serves requests. One tenant holds at most half of a process's threads with
them, all tenants together leave one, so that pages, the API and the tick are answered meanwhile.
"""

from typing import Final

from django.conf import settings

from kaireon.platform.turns import Turns

TURNS: Final = Turns("reports", most=max(1, settings.WEB_THREADS - 1), most_of_one=max(1, settings.WEB_THREADS // 2))
