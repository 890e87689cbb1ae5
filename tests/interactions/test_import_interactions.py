"""`manage.py import_interactions` on real files and a real database."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from interactions.models import Channel, Creative, Offer, OutcomeType
from interactions.services import import_interactions, seed_outcome_types
from interactions.services import imports as imports_module
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.importing import GOOD, HEADER, rejections, rows, run


def test_good_rows_are_imported(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write(HEADER + GOOD + 'c-2,convert,2026-03-02T12:05:00+01:00,k-2,"19.90"\n')

    code, text = run(path)

    first, second = rows(acme)
    assert (code, text) == (0, "2 rows: 2 imported, 0 known, 0 rejected\n")
    assert (first.customer_id, first.outcome, first.classification, first.category) == (
        "c-1", "click", "positive", "response",
    )  # fmt: skip
    assert second.conversion_value == Decimal("19.9")
    assert second.occurred_at == datetime(2026, 3, 2, 11, 5, tzinfo=UTC)
    assert second.request_hash is None
    assert not Path(f"{path}.rejected").exists()


def test_importing_again_adds_nothing(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write("customerId,outcome,timestamp\nc-1,click,2026-03-02\nc-1,click,2026-03-02\n")
    run(path)

    code, text = run(path)

    assert (code, text) == (0, "2 rows: 0 imported, 2 known, 0 rejected\n")
    assert len(rows(acme)) == 2


def test_a_key_twice_in_a_file_is_one_row(acme: Tenant, write: Callable[..., Path]) -> None:
    code, text = run(write(HEADER + GOOD + GOOD))

    assert (code, text) == (0, "2 rows: 1 imported, 1 known, 0 rejected\n")


def test_two_tenants_may_use_the_same_key(acme: Tenant, globex: Tenant, write: Callable[..., Path]) -> None:
    path = write(HEADER + GOOD)
    run(path)

    code, _ = run(path, tenant="globex")

    assert code == 0
    assert [len(rows(tenant)) for tenant in (acme, globex)] == [1, 1]


def test_bad_rows_go_to_the_rejected_file_with_line_and_reason(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write(
        (HEADER + GOOD).encode()
        + b"c-2,click,yesterday,k-2,\n"  # 3
        + b"c-3,bought,2026-03-02,k-3,\n"  # 4
        + b",click,2026-03-02,k-4,\n"  # 5
        + b"c-5,click,2026-03-02,k-5,much\n"  # 6
        + b"c-6,click,2026-03-02\n"  # 7
        + b"c-7,click,2026-03-02,k-7,,extra\n"  # 8
        + b"c\x00-8,click,2026-03-02,k-8,\n"  # 9
        + b"M\xfcller,click,2026-03-02,k-9,\n"  # 10: Latin-1
        + b"\n"  # 11: nothing at all
        + b'c-12,"cl"ick,2026-03-02,k-12,\n'  # 12
        + b"c-13,click,2026-03-02,k-13,\n"
    )

    code, text = run(path)

    assert code == 1
    assert text == f"11 rows: 2 imported, 0 known, 9 rejected; see {path}.rejected\n"
    assert [row.customer_id for row in rows(acme)] == ["c-1", "c-13"]
    assert rejections(path) == [
        (3, "timestamp: must be an ISO 8601 time such as 2026-01-31T08:00:00Z"),
        (4, "outcome: there is no outcome type 'bought'"),
        (5, "customerId: missing"),
        (6, "conversionValue: must be a number"),
        (7, "has 3 cells where the header has 5"),
        (8, "has 6 cells where the header has 5"),
        (9, "customerId: contains a NUL character"),
        (10, "customerId: is not valid UTF-8"),
        (12, "is no CSV: ',' expected after '\"'"),
    ]


def test_the_rejected_file_of_an_earlier_import_goes_away(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write(HEADER + "c-1,bought,2026-03-02,k-1,\n")
    run(path)
    write(HEADER + GOOD)

    code, _ = run(path)

    assert code == 0
    assert not Path(f"{path}.rejected").exists()


def test_a_cell_over_several_lines_counts_its_lines(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write('customerId,outcome,timestamp,context\nc-1,click,2026-03-02,"{\n}"\nc-2,bought,2026-03-02,\n')

    run(path)

    assert [line for line, _ in rejections(path)] == [4]
    assert rows(acme)[0].context == {}


def test_a_line_without_end_is_rejected_in_pieces_and_the_rest_is_read(
    acme: Tenant, write: Callable[..., Path]
) -> None:
    path = write(HEADER + "x" * 3_000_000 + "\n" + GOOD)

    code, _ = run(path)

    assert code == 1
    assert [row.customer_id for row in rows(acme)] == ["c-1"]
    assert Path(f"{path}.rejected").stat().st_size < 10_000


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_and_windows_lines_are_understood(
    acme: Tenant, write: Callable[..., Path], start: bytes, newline: str
) -> None:
    path = write(start + (HEADER + GOOD).replace("\n", newline).encode())

    code, _ = run(path)

    assert code == 0


def test_json_as_a_report(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write(HEADER + GOOD + "c-2,bought,2026-03-02,k-2,\n")

    code, text = run(path, json=True)

    assert code == 1
    assert json.loads(text) == {
        "rows": 2, "valid": 1, "imported": 1, "duplicates": 0, "rejected": 1,
        "rejectedFile": f"{path}.rejected", "dryRun": False,
    }  # fmt: skip


def test_a_dry_run_checks_and_writes_nothing(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write(HEADER + GOOD + "c-2,bought,2026-03-02,k-2,\n")

    code, text = run(path, dry_run=True)

    assert code == 1
    assert text == f"2 rows: 1 would do, 1 rejected; see {path}.rejected\n"
    assert rows(acme) == []
    assert not OutcomeType.objects.for_tenant(acme).exists()


def test_a_known_creative_says_its_channel_and_offer(acme: Tenant, globex: Tenant, write: Callable[..., Path]) -> None:
    web, gold = (
        Channel.objects.create(tenant=acme, key="web", name="Web"),
        Offer.objects.create(tenant=acme, key="gold", name="Gold"),
    )
    Creative.objects.create(tenant=acme, key="banner", name="Banner", offer=gold, channel=web)
    Creative.objects.create(tenant=globex, key="foreign", name="Foreign")
    path = write(
        "idempotencyKey,customerId,outcome,timestamp,creativeId,channelId,offerId\n"
        "1,c,click,2026-03-02,banner,,\n"
        "2,c,click,2026-03-02,banner,mail,silver\n"
        "3,c,click,2026-03-02,unheard-of,mail,silver\n"
        "4,c,click,2026-03-02,foreign,,\n"
    )

    run(path)

    assert [(row.channel_id, row.offer_id) for row in rows(acme)] == [
        ("web", "gold"), ("web", "silver"), ("mail", "silver"), (None, None),
    ]  # fmt: skip


def test_a_tenants_own_outcome_type_is_known_and_a_deleted_one_is_not(acme: Tenant, write: Callable[..., Path]) -> None:
    own = {"tenant": acme, "classification": "positive", "category": "response"}
    OutcomeType.objects.create(key="shared", name="Shared", **own)
    OutcomeType.objects.create(key="gone", name="Gone", deleted_at=timezone.now(), **own)
    path = write("customerId,outcome,timestamp\nc,shared,2026-03-02\nc,gone,2026-03-02\n")

    code, _ = run(path)

    assert code == 1
    assert [row.outcome for row in rows(acme)] == ["shared"]
    assert rejections(path) == [(3, "outcome: there is no outcome type 'gone'")]


def test_a_tenant_that_deleted_every_outcome_type_has_none(acme: Tenant, write: Callable[..., Path]) -> None:
    seed_outcome_types(acme, timezone.now())
    OutcomeType.objects.for_tenant(acme).update(deleted_at=timezone.now())

    code, _ = run(write(HEADER + GOOD))

    assert (code, rows(acme)) == (1, [])


def test_an_import_is_in_the_audit_log_and_a_dry_run_or_a_repeat_is_not(
    acme: Tenant, write: Callable[..., Path]
) -> None:
    path = write(HEADER + GOOD)

    run(path, dry_run=True)
    run(path)
    run(path)

    (entry,) = AuditEntry.objects.for_tenant(acme)
    assert (entry.action, entry.entity_name, entry.entity_type) == ("import", "history.csv", "interactions")


def test_batches_are_small_and_progress_is_told(
    acme: Tenant, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports_module, "BATCH_ROWS", 2)
    path = write("customerId,outcome,timestamp\n" + "c,click,2026-03-02\n" * 5)
    told: list[tuple[int, int]] = []

    with CaptureQueriesContext(connection) as queries:
        report = import_interactions(
            tenant=acme, path=path, now=timezone.now(), on_progress=lambda *now: told.append(now)
        )

    assert report.imported == 5
    assert len(told) == 3
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    assert sum("INSERT INTO interactions_interaction" in query["sql"] for query in queries) == 3
