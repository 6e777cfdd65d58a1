"""The event log: whatever is changed, dropped, reordered or cut off is found and named."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts.services.users import system_user
from audit.models import Event, Seal, SealedEvent
from audit.services import sealing
from audit.services.events import record_event
from audit.services.sealing import seal_events, verify_log
from common import triggers
from tests.conftest import NOW


@pytest.fixture
def log(db: None) -> None:
    user = system_user("system.test")
    for number in range(7):
        with transaction.atomic():
            record_event("thing.done", acting_user=user, now=NOW, subject="thing", n=number)


@pytest.fixture
def unlocked(db: None) -> None:
    """Take the triggers away, as somebody with the owner's rights could."""
    triggers.drop_all(connection)


def test_sealing_is_safe_to_run_twice_and_verifies(log: None) -> None:
    count = Event.objects.count()
    assert seal_events(now=NOW) == count
    assert seal_events(now=NOW) == 0
    found = verify_log()
    assert found.problems == []
    assert (found.sealed, found.unsealed, found.seals) == (count, 0, 1)


def test_younger_events_show_as_unsealed(log: None) -> None:
    seal_events(now=NOW)
    with transaction.atomic():
        record_event("late", acting_user=None, now=NOW)
    assert verify_log().unsealed == 1
    assert verify_log().problems == []


def test_batches_are_chained(log: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    seal_events(now=NOW)
    seals = list(Seal.objects.order_by("number"))
    assert len(seals) == 3
    assert seals[1].previous_hash == seals[0].head_hash
    assert verify_log().problems == []


def test_a_changed_event_is_found(log: None, unlocked: None) -> None:
    seal_events(now=NOW)
    Event.objects.filter(kind="thing.done", data__n=3).update(data={"n": 4})
    assert any("changed" in problem for problem in verify_log().problems)


def test_a_dropped_event_is_found(log: None, unlocked: None) -> None:
    seal_events(now=NOW)
    gone = Event.objects.filter(kind="thing.done").first()
    SealedEvent.objects.filter(event=gone).delete()
    gone.delete()
    assert any("instead of" in problem for problem in verify_log().problems)


def test_a_reordered_chain_is_found(log: None, unlocked: None) -> None:
    seal_events(now=NOW)
    first, second = SealedEvent.objects.order_by("position")[:2]
    SealedEvent.objects.filter(pk=first.pk).update(position=99)
    SealedEvent.objects.filter(pk=second.pk).update(position=0)
    SealedEvent.objects.filter(pk=first.pk).update(position=1)
    assert any("reordered" in problem for problem in verify_log().problems)


def test_a_cut_off_tail_is_found_by_the_file(
    log: None, unlocked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    seal_events(now=NOW)
    last = Seal.objects.order_by("-number").first()
    members = SealedEvent.objects.filter(seal=last)
    events = list(members.values_list("event_id", flat=True))
    members.delete()
    last.delete()
    Event.objects.filter(pk__in=events).delete()
    assert any("stands in the file" in problem for problem in verify_log().problems)
    with pytest.raises(CommandError, match="stands in the file"):
        call_command("verify_log")


def test_a_chain_made_anew_without_the_key_is_found(log: None, unlocked: None) -> None:
    seal_events(now=NOW)
    seal = Seal.objects.get()
    event = Event.objects.filter(kind="thing.done").first()
    Event.objects.filter(pk=event.pk).update(data={"n": 100})
    members = SealedEvent.objects.select_related("event").order_by("position")
    head = sealing.chain(seal.previous_hash, [member.event for member in members])
    Seal.objects.filter(pk=seal.pk).update(head_hash=head)
    assert any("audit key" in problem for problem in verify_log().problems)


def test_a_changed_file_is_found(log: None, settings) -> None:
    seal_events(now=NOW)
    line = json.loads(settings.AUDIT_SEAL_FILE.read_text())
    line["head"] = "f" * 64
    settings.AUDIT_SEAL_FILE.write_text(json.dumps(line) + "\nnot json\n")
    problems = verify_log().problems
    assert any("differs from the file" in problem for problem in problems)
    assert any("cannot be read" in problem for problem in problems)


def test_a_seal_that_a_crash_kept_from_the_file_is_written_by_the_next_call(
    log: None, monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    def crash() -> None:
        raise OSError("disk full")

    monkeypatch.setattr(sealing, "_write_missing_lines", crash)
    with pytest.raises(OSError, match="disk full"):
        seal_events(now=NOW)
    assert any("lacks 1 seals" in problem for problem in verify_log().problems)
    monkeypatch.undo()
    assert seal_events(now=NOW) == 0
    assert verify_log().problems == []
    assert len(settings.AUDIT_SEAL_FILE.read_text().splitlines()) == 1


def test_a_line_torn_by_a_crash_is_written_anew(
    log: None, monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    seal_events(now=NOW)
    whole = settings.AUDIT_SEAL_FILE.read_bytes()
    settings.AUDIT_SEAL_FILE.write_bytes(whole[:-20])
    assert any("cannot be read" in problem for problem in verify_log().problems)
    seal_events(now=NOW)
    assert settings.AUDIT_SEAL_FILE.read_bytes() == whole
    # Nothing but a torn line: the same from the start.
    settings.AUDIT_SEAL_FILE.write_bytes(whole[:30])
    seal_events(now=NOW)
    assert settings.AUDIT_SEAL_FILE.read_bytes() == whole


@pytest.mark.parametrize("table", ["audit_event", "audit_seal", "audit_sealedevent"])
@pytest.mark.parametrize("way", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_raw_sql_cannot_touch_the_log(log: None, table: str, way: str) -> None:
    seal_events(now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(way.format(table))


def test_an_event_outside_a_transaction_is_refused(
    log: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(RuntimeError, match="inside the transaction"):
        record_event("x", acting_user=None, now=NOW)
    monkeypatch.undo()
