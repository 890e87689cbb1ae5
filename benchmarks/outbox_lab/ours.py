"""Our table for benchmarks: filled with pending events of the same payload as everybody's, and watched."""

import time
import uuid
from typing import Final

from django.db import connection

from benchmarks.peers.protocol import KEYS, TOPIC

TENANTS: Final = 4
TABLES: Final = "outbox_events, outbox_claims, outbox_history, outbox_dead_letters, outbox_publishers"
# The payload of `benchmarks.peers.protocol.payloads`, made by the server: a million are ready in some seconds.
_FILL: Final = """
INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)
SELECT uuidv7(), (%(tenants)s::uuid[])[1 + g %% %(tenant_count)s], %(topic)s, 'customer-' || g %% %(keys)s,
    format('{"customerId":"customer-%%s","interactionId":"00000000-0000-7000-8000-%%s","outcome":"click",'
           '"channelId":"web","offerId":"offer-%%s","context":"%%s"}',
           g %% %(keys)s, lpad(g::text, 12, '0'), g %% 40,
           lpad(g::text, 8, '0') || ' ' || repeat('Lorem ipsum dolor sit amet. ', 11))::json, now()
FROM generate_series(0, %(last)s) AS g
"""


def fill(events: int, tenants: int = TENANTS) -> None:
    """Replace whatever the outbox holds by so many pending events of some tenants and KEYS keys."""
    ids = [uuid.UUID(int=number + 1) for number in range(tenants)]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES}")
        cursor.execute(
            _FILL, {"tenants": ids, "tenant_count": tenants, "topic": TOPIC, "keys": KEYS, "last": events - 1}
        )


def is_drained() -> bool:
    """Tell whether nothing is left, held or claimed included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT EXISTS (SELECT 1 FROM outbox_events)")
        return bool(cursor.fetchone()[0])


def wait_until_drained(seconds: float = 30.0) -> None:
    """Wait until a publisher has taken everything; raise TimeoutError when it does not."""
    end = time.monotonic() + seconds
    while not is_drained():
        if time.monotonic() > end:
            raise TimeoutError(f"The outbox is not empty after {seconds:g} s.")
        time.sleep(0.05)
