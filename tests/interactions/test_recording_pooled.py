"""Recording behind PgBouncer in transaction mode, served as the Procfile does."""

import pytest

from tests.chaos.test_outbox_pgbouncer import bouncer
from tests.interactions.recording import at_once, click, events, recorded
from tests.interactions.test_recording_served import POSTERS, send, web
from tests.people import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240), pytest.mark.chaos]


def test_through_pgbouncer_in_transaction_mode_nothing_is_different(engine: Person) -> None:
    with bouncer(pool=2) as pooled, web(pooled) as port:
        body = click()
        answers = at_once(POSTERS, lambda number: send(port, engine, body if number % 2 else click()))

    assert sorted(status for status, _, _ in answers) == [200] * (POSTERS // 2 - 1) + [201] * (POSTERS // 2 + 1)
    assert len(recorded(engine.tenant)) == len(events(engine.tenant)) == POSTERS // 2 + 1
