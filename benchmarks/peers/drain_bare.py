"""The limit: claim and delete, two statements a batch with psycopg, on a table that has only what these two need.

No lease, no order per key, no attempts, no fair share, no history. With a broker's address it sends each batch to
Kafka (acks=all, idempotent) and waits for the answers before it deletes.
"""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from confluent_kafka import Producer
from protocol import KEYS, TOPIC, await_start, finish, payloads

Rows = Sequence[tuple[Any, ...]]

TABLE = """
DROP TABLE IF EXISTS bare;
CREATE TABLE bare (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL, payload text NOT NULL,
    status text NOT NULL DEFAULT 'pending'
);
CREATE INDEX bare_pending ON bare (id) WHERE status = 'pending'
"""
CLAIM = """
UPDATE bare SET status = 'processing' WHERE id IN (
    SELECT id FROM bare WHERE status = 'pending' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id, topic, key, payload
"""
DELETE = "DELETE FROM bare WHERE id = ANY(%s)"


def prepare(dsn: str, events: int) -> None:
    """Fill the table."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        with connection.cursor().copy("COPY bare (topic, key, payload) FROM STDIN") as copy:
            for number, payload in enumerate(payloads(events)):
                copy.write_row((TOPIC, f"customer-{number % KEYS}", json.dumps(payload, separators=(",", ":"))))


def drain(dsn: str, batch: int, broker: str | None) -> None:
    """Claim, publish and delete until nothing is left."""
    publish = _to_kafka(broker) if broker else _nowhere
    with psycopg.connect(dsn, autocommit=True) as connection:
        began, total = await_start(), 0
        while rows := connection.execute(CLAIM, [batch]).fetchall():
            publish(rows)
            connection.execute(DELETE, [[row[0] for row in rows]])
            total += len(rows)
        finish(total, began)


def _nowhere(rows: Rows) -> None:
    pass


def _to_kafka(broker: str) -> Callable[[Rows], None]:
    producer = Producer({"bootstrap.servers": broker, "enable.idempotence": True, "acks": "all", "linger.ms": 5})

    def publish(rows: Rows) -> None:
        failures: list[Any] = []

        def note(error: Any, message: Any) -> None:
            if error is not None:
                failures.append(error)

        for _, topic, key, payload in rows:
            producer.produce(topic, value=payload, key=key, on_delivery=note)
        producer.flush()
        assert not failures, failures[0]

    return publish


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2], int(sys.argv[3]))
    else:
        drain(sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)
