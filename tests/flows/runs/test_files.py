"""Files in a run's hands: each version in one hand, moved before it is read, and found again after any crash."""

from pathlib import Path
from typing import Any

import pytest

from flows.decisions.vocabulary import FileState
from flows.ir.parsing import parse_pipeline_ir
from flows.models import PipelineRun, RunFile
from flows.services.claims import Claim, LeaseLost, Scope, take_over
from flows.services.files import Hand, open_files
from flows.services.pulse import Stopped, Why
from flows.services.sourcing import OpenSource, find_files, missing, opened_sources
from flows.storage.local_fs import LocalStore
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import (
    MINUTE,
    NOW,
    claimed,
    dispatched_run,
    drop,
    files_below,
    make_pipeline,
    plain_ir,
    states,
    with_wait_policy,
)

pytestmark = pytest.mark.django_db

IR = parse_pipeline_ir(plain_ir())


def _on() -> None:
    """Nothing stops the run."""


def hand_of(claim: Claim, run: PipelineRun) -> Hand:
    return Hand(claim, run, lambda: NOW, _on)


def source_over(inbox: Path, *, can_move: bool = True) -> OpenSource:
    """Return the plain source over a folder; one that cannot move is like http_pull."""
    store = LocalStore([str(inbox.parent)])
    store.can_move = can_move
    node = IR.nodes[0]
    assert node.kind == "source"
    return OpenSource(node, store, str(inbox))


@pytest.fixture
def pipeline(acme: Tenant) -> Any:
    """Return a pipeline of Acme's."""
    return make_pipeline(acme)


def test_a_file_is_staged_before_it_is_read(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    claim, run = claimed(pipeline)
    source = source_over(inbox)

    taken = hand_of(claim, run).take(source, find_files(run, source, at=NOW))

    assert (files_below(inbox), states(run)) == ([".processing/a.csv"], [("a.csv", "staged")])
    assert Path(taken[0].staged_key).read_text() == "id,amount\n1,2\n"


def test_files_are_taken_in_the_order_of_the_source(pipeline: Any, inbox: Path) -> None:
    for name in ("b.csv", "a.csv", "c.txt", "c.csv"):
        drop(inbox, name, [])
    claim, run = claimed(pipeline)
    source = source_over(inbox)

    hand_of(claim, run).take(source, find_files(run, source, at=NOW))

    assert [name for name, _ in states(run)] == ["a.csv", "b.csv", "c.csv"]


def test_the_same_version_of_a_file_is_in_one_hand(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    source = source_over(inbox, can_move=False)
    one, other = (claimed(make_pipeline(acme, name=name)) for name in ("One", "Other"))
    seen = find_files(one[1], source, at=NOW)

    first, second = hand_of(*one).take(source, seen), hand_of(*other).take(source, seen)

    assert ([row.key for row in first], second) == ([str(inbox / "a.csv")], [])


def test_a_file_that_somebody_moved_away_is_left_out(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [])
    drop(inbox, "b.csv", [])
    claim, run = claimed(pipeline)
    source = source_over(inbox)
    seen = find_files(run, source, at=NOW)
    (inbox / "a.csv").unlink()

    taken = hand_of(claim, run).take(source, seen)

    assert ([Path(row.key).name for row in taken], states(run)) == (
        ["b.csv"],
        [("a.csv", "left"), ("b.csv", "staged")],
    )


def test_a_run_that_is_to_stop_moves_no_further_file(pipeline: Any, inbox: Path) -> None:
    for name in ("a.csv", "b.csv"):
        drop(inbox, name, [])
    claim, run = claimed(pipeline)
    source = source_over(inbox)
    calls: list[int] = []

    def stop_at_the_second() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Stopped(Why.CANCELLED)

    with pytest.raises(Stopped):
        Hand(claim, run, lambda: NOW, stop_at_the_second).take(source, find_files(run, source, at=NOW))

    assert states(run) == [("a.csv", "staged"), ("b.csv", "claimed")]


def test_whoever_lost_the_run_takes_nothing(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [])
    claim, run = claimed(pipeline)
    source = source_over(inbox)
    take_over(now=NOW + MINUTE, scope=Scope())

    with pytest.raises(LeaseLost):
        hand_of(claim, run).take(source, find_files(run, source, at=NOW))

    assert files_below(inbox) == ["a.csv"]


def test_a_sleeper_that_moves_a_file_of_a_run_that_was_recovered_puts_it_back(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [])
    claim, run = claimed(pipeline)
    source = source_over(inbox)
    hand = hand_of(claim, run)
    rows = hand._claim(source, find_files(run, source, at=NOW), is_control=False)
    RunFile.objects.for_tenant(run.tenant_id).update(state=FileState.RESTORED)

    with pytest.raises(LeaseLost):
        hand._stage(source, rows[0])

    assert (files_below(inbox), states(run)) == (["a.csv"], [("a.csv", "restored")])


def test_a_sleeper_puts_a_file_beside_a_new_one_of_its_name(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    claim, run = claimed(pipeline)
    source = source_over(inbox)
    stopped = hand_of(claim, run)
    row = stopped._claim(source, find_files(run, source, at=NOW), is_control=False)[0]
    RunFile.objects.for_tenant(run.tenant_id).update(state=FileState.RESTORED)
    source.store.move(row.key, row.staged_key)
    drop(inbox, "a.csv", [(3, 4)])

    stopped._return(source, row)

    assert (files_below(inbox), (inbox / "a-2.csv").read_text()) == (["a-2.csv", "a.csv"], "id,amount\n1,2\n")


def test_whoever_lost_the_run_while_it_moves_files_away_moves_no_other(pipeline: Any, inbox: Path) -> None:
    hand, source, run = taken_by(pipeline, inbox, "a.csv")
    rows = open_files(run)
    hand.put_back(source, open_files(run))

    with pytest.raises(LeaseLost):
        hand.set_aside(source, rows, at=NOW)

    assert (files_below(inbox), states(run)) == (["a.csv"], [("a.csv", "restored")])


# --- where they go


def taken_by(pipeline: Any, inbox: Path, *names: str) -> tuple[Hand, OpenSource, PipelineRun]:
    """Let a run take these files."""
    for name in names:
        drop(inbox, name, [(1, 2)])
    claim, run = claimed(pipeline)
    hand, source = hand_of(claim, run), source_over(inbox)
    hand.take(source, find_files(run, source, at=NOW))
    return hand, source, run


def test_committed_files_go_to_the_archive_of_the_day(pipeline: Any, inbox: Path) -> None:
    hand, source, run = taken_by(pipeline, inbox, "a.csv")
    RunFile.objects.for_tenant(run.tenant_id).update(state=FileState.COMMITTED)

    hand.archive(source, open_files(run), at=NOW)

    assert (files_below(inbox), states(run)) == ([".archive/2026-04-17/a.csv"], [("a.csv", "archived")])


def test_files_of_a_failed_run_go_to_the_failure_folder(pipeline: Any, inbox: Path) -> None:
    hand, source, run = taken_by(pipeline, inbox, "a.csv")

    hand.set_aside(source, open_files(run), at=NOW)

    assert (files_below(inbox), states(run)) == ([".failed/a.csv"], [("a.csv", "failed")])


def test_nothing_in_the_archive_is_overwritten(pipeline: Any, inbox: Path) -> None:
    drop(inbox / ".archive" / "2026-04-17", "a.csv", [(9, 9)])
    hand, source, run = taken_by(pipeline, inbox, "a.csv")

    hand.archive(source, open_files(run), at=NOW)

    assert files_below(inbox) == [".archive/2026-04-17/a-2.csv", ".archive/2026-04-17/a.csv"]
    assert (inbox / ".archive/2026-04-17/a.csv").read_text() == "id,amount\n9,9\n"


def test_a_file_goes_back_beside_a_new_one_of_its_name(pipeline: Any, inbox: Path) -> None:
    hand, source, run = taken_by(pipeline, inbox, "a.csv")
    drop(inbox, "a.csv", [(3, 4)])

    hand.put_back(source, open_files(run))

    assert (files_below(inbox), states(run)) == (["a-2.csv", "a.csv"], [("a.csv", "restored")])
    assert (inbox / "a.csv").read_text() == "id,amount\n3,4\n"


def test_a_file_that_was_only_claimed_stays_where_it_is(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [])
    claim, run = claimed(pipeline)
    source, hand = source_over(inbox), hand_of(claim, run)
    hand._claim(source, find_files(run, source, at=NOW), is_control=False)

    hand.put_back(source, open_files(run))

    assert (files_below(inbox), states(run)) == (["a.csv"], [("a.csv", "restored")])


def test_a_new_file_in_the_place_of_one_that_was_never_taken_is_left_alone(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    claim, run = claimed(pipeline)
    source, hand = source_over(inbox), hand_of(claim, run)
    hand._claim(source, find_files(run, source, at=NOW), is_control=False)
    drop(inbox, "a.csv", [(3, 4), (5, 6)])

    hand.set_aside(source, open_files(run), at=NOW)

    assert (files_below(inbox), states(run)) == (["a.csv"], [("a.csv", "left")])


@pytest.mark.parametrize("end", ["put_back", "set_aside"])
def test_a_crash_between_a_move_and_its_row_is_found_out(pipeline: Any, inbox: Path, end: str) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    claim, run = claimed(pipeline)
    source, hand = source_over(inbox), hand_of(claim, run)
    row = hand._claim(source, find_files(run, source, at=NOW), is_control=False)[0]
    source.store.move(row.key, row.staged_key)

    if end == "put_back":
        hand.put_back(source, open_files(run))
    else:
        hand.set_aside(source, open_files(run), at=NOW)

    assert files_below(inbox) == (["a.csv"] if end == "put_back" else [".failed/a.csv"])


def test_a_crash_after_the_last_move_is_no_loss(pipeline: Any, inbox: Path) -> None:
    hand, source, run = taken_by(pipeline, inbox, "a.csv")
    row = open_files(run)[0]
    target = str(inbox / ".archive/2026-04-17/a.csv")
    RunFile.objects.for_tenant(run.tenant_id).update(state=FileState.COMMITTED, final_key=target)
    source.store.move(row.staged_key, target)

    hand.archive(source, open_files(run), at=NOW + MINUTE)

    assert (files_below(inbox), states(run)) == ([".archive/2026-04-17/a.csv"], [("a.csv", "archived")])


def test_a_staged_file_that_vanished_is_noted_and_holds_nothing_up(pipeline: Any, inbox: Path) -> None:
    hand, source, run = taken_by(pipeline, inbox, "a.csv", "b.csv")
    Path(open_files(run)[0].staged_key).unlink()

    hand.put_back(source, open_files(run))

    assert (files_below(inbox), states(run)) == (["b.csv"], [("a.csv", "left"), ("b.csv", "restored")])


def test_what_cannot_be_moved_is_left(pipeline: Any, inbox: Path) -> None:
    drop(inbox, "a.csv", [])
    claim, run = claimed(pipeline)
    source, hand = source_over(inbox, can_move=False), hand_of(claim, run)
    hand.take(source, find_files(run, source, at=NOW))

    hand.archive(source, open_files(run), at=NOW)

    assert (files_below(inbox), states(run)) == (["a.csv"], [("a.csv", "left")])


# --- which files


def test_a_retry_takes_what_the_failed_run_left(acme: Tenant, pipeline: Any, inbox: Path) -> None:
    hand, source, old = taken_by(pipeline, inbox, "a.csv")
    hand.set_aside(source, open_files(old), at=NOW)
    drop(inbox, "later.csv", [])
    PipelineRun.objects.for_tenant(acme).filter(pk=old.pk).update(status="failed")
    again = dispatched_run(pipeline, retry_of=old, trigger_source="retry")

    found = find_files(again, source, at=NOW)

    assert [file.key for file in found] == [str(inbox / ".failed/a.csv")]


def test_a_retry_without_files_left_looks_as_any_run_does(acme: Tenant, pipeline: Any, inbox: Path) -> None:
    hand, source, old = taken_by(pipeline, inbox, "a.csv")
    hand.set_aside(source, open_files(old), at=NOW)
    (inbox / ".failed/a.csv").unlink()
    drop(inbox, "later.csv", [])
    PipelineRun.objects.for_tenant(acme).filter(pk=old.pk).update(status="failed")
    again = dispatched_run(pipeline, retry_of=old, trigger_source="retry")

    assert [file.name for file in find_files(again, source, at=NOW)] == ["later.csv"]


def test_a_retry_of_a_retry_that_was_cancelled_takes_the_files_all_the_same(
    acme: Tenant, pipeline: Any, inbox: Path
) -> None:
    hand, source, old = taken_by(pipeline, inbox, "a.csv")
    hand.set_aside(source, open_files(old), at=NOW)
    PipelineRun.objects.for_tenant(acme).filter(pk=old.pk).update(status="failed")
    claim, middle = claimed(pipeline, retry_of=old)
    second = hand_of(claim, middle)
    second.take(source, find_files(middle, source, at=NOW))
    second.put_back(source, open_files(middle))
    PipelineRun.objects.for_tenant(acme).filter(pk=middle.pk).update(status="cancelled")
    last = dispatched_run(pipeline, retry_of=middle)

    assert [file.key for file in find_files(last, source, at=NOW)] == [str(inbox / ".failed/a.csv")]


def test_a_retry_takes_a_file_that_somebody_mended_where_it_lay(acme: Tenant, pipeline: Any, inbox: Path) -> None:
    hand, source, old = taken_by(pipeline, inbox, "a.csv")
    hand.set_aside(source, open_files(old), at=NOW)
    drop(inbox / ".failed", "a.csv", [(1, 2), (3, 4)])
    again = dispatched_run(pipeline, retry_of=old)

    assert [file.key for file in find_files(again, source, at=NOW)] == [str(inbox / ".failed/a.csv")]


def test_stores_are_opened_for_every_source_and_a_miss_says_where(acme: Tenant, inbox: Path) -> None:
    pipeline = make_pipeline(acme, with_wait_policy(plain_ir(), maxRetries=2, onMissAction="fail"), name="Waiting")
    _, run = claimed(pipeline)
    ir = parse_pipeline_ir(with_wait_policy(plain_ir(), maxRetries=2, onMissAction="fail"))

    with opened_sources(run, ir) as sources:
        misses = missing(list(sources.values()))
        files = find_files(run, sources["src"], at=NOW)

    assert (files, [(miss.node_id, miss.policy.max_retries, miss.where) for miss in misses]) == (
        [],
        [("src", 2, "*.csv in inbox")],
    )
