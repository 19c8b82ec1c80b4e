"""No audit, no action: whatever fails while a record is written, nothing is decided or run (R2.2, R2.5)."""

from __future__ import annotations

import errno
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.bed.disk import small_disk

from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.seal import RESERVE
from aistack_backend.audit.verify import verify_directory
from aistack_backend.audit.witness import NAME, Disk
from aistack_backend.clock import HandClock
from aistack_backend.errors import Unavailable
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.audit import Phase


class FaultyDisk(Disk):
    """A real disk whose calls fail when told so: with an error, or after half of the bytes."""

    def __init__(self) -> None:
        self.fails: int | None = None
        self.half = False
        self.left: tuple[int, int] | None = None

    def write(self, descriptor: int, data: bytes) -> int:
        """Write, or fail; half of it goes first when ``half``."""
        if self.fails is not None and self.half:
            self.half = False
            return super().write(descriptor, data[: len(data) // 2])
        self._maybe()
        return super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Sync, or fail."""
        self._maybe()
        super().sync(descriptor)

    def free(self, descriptor: int) -> tuple[int, int]:
        """Tell what it was told to."""
        return self.left or super().free(descriptor)

    def _maybe(self) -> None:
        if self.fails is not None:
            raise OSError(self.fails, os.strerror(self.fails))


ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT)


def test_a_seal_returns_after_the_sync(make_world: Callable[..., Any]) -> None:
    calls: list[str] = []

    class Watched(Disk):
        def write(self, descriptor: int, data: bytes) -> int:
            calls.append("write")
            return super().write(descriptor, data)

        def sync(self, descriptor: int) -> None:
            super().sync(descriptor)
            calls.append("sync")

    world = make_world(disk=Watched())
    calls.clear()
    asked = world.ask()
    assert calls == ["write", "sync"]
    world.decide(asked)
    assert calls == ["write", "sync"] * 2


def test_a_failing_witness_stops_everything_and_mends_itself(
    make_world: Callable[..., Any], tried: Callable[..., None]
) -> None:
    disk = FaultyDisk()
    world = make_world(disk=disk)
    count = 0
    for number in range(100):
        approved, waiting = world.decide(world.ask()), world.ask()
        queued = world.queued()
        disk.fails, disk.half = ERRORS[number % len(ERRORS)], number % 2 == 0
        attempts: tuple[Callable[[], Any], ...] = (
            world.ask,
            partial(world.decide, waiting),
            partial(world.decide, waiting, "deny"),
            partial(world.audit.note, phase=Phase.NOTE, actor="x", kind="login"),
            world.audit.seal,
        )
        with world.database.tx() as connection:  # what is not witnessed yet makes the next seal fail
            world.audit.append(connection, phase=Phase.NOTE, actor="x", kind="k")
        with pytest.raises(Unavailable, match="cannot be written"):
            world.audit.seal()
        for attempt in attempts:
            with pytest.raises(Unavailable, match="cannot be written"):
                attempt()
            count += 1
        assert "cannot be written" in world.audit.writable()
        assert world.approvals.get(waiting.id).state is ApprovalState.PENDING
        assert world.approvals.list().approvals
        assert world.audit.page(5).records
        assert world.queued() == queued
        disk.fails = None
        assert world.audit.writable() == ""
        world.decide(waiting)
        world.begin(approved.id)
    check = world.audit.verify()
    assert (check.ok, check.witnessed) == (True, check.count)
    assert verify_directory(world.folder).ok
    tried("R2.2", count, 0, "actions taken while the witness could not be written")


def test_an_intent_that_cannot_be_witnessed_raises_before_the_effect(make_world: Callable[..., Any]) -> None:
    disk = FaultyDisk()
    world = make_world(disk=disk)
    approved = world.decide(world.ask())
    effects: list[str] = []
    disk.fails = errno.ENOSPC

    def execute() -> None:
        with world.database.tx() as connection:
            world.approvals.begin(connection, approved.id, lambda _: "")
            world.audit.append(connection, phase=Phase.INTENT, actor="backend", kind="container.restart")
        world.audit.seal()
        effects.append("ran")

    with pytest.raises(Unavailable, match="No space left"):
        execute()
    assert effects == []


def test_the_nth_call_fails_for_every_n(make_world: Callable[..., Any], tried: Callable[..., None]) -> None:
    """SQLite's form: fail at the first call to the disk, the second, and so on until all goes through."""

    class NthDisk(Disk):
        def __init__(self, nth: int) -> None:
            self.nth, self.calls, self.open = nth, 0, True

        def write(self, descriptor: int, data: bytes) -> int:
            self._count()
            return super().write(descriptor, data)

        def sync(self, descriptor: int) -> None:
            self._count()
            super().sync(descriptor)

        def _count(self) -> None:
            self.calls += 1
            if self.calls == self.nth:
                raise OSError(errno.EIO, "input/output error")

    nth = 0
    while True:
        nth += 1
        disk = NthDisk(nth)
        world = make_world(disk=disk)
        began = False
        try:
            approved = world.decide(world.ask())
            world.begin(approved.id)
            world.audit.note(phase=Phase.OUTCOME, actor="backend", kind="k")
            began = True
        except Unavailable:
            pass
        assert world.audit.writable() == ""
        check = world.audit.verify()
        assert (check.ok, check.witnessed) == (True, check.count), nth
        if disk.calls < nth:
            assert began
            break
    tried("R2.2 Nth call", nth, 0, "failing calls that left a log that does not hold")


def test_a_full_disk_keeps_room_for_outcomes(make_world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aistack_backend.audit.seal.SPACE_EVERY", 0.0)
    disk = FaultyDisk()
    world = make_world(disk=disk)
    asked = world.ask()
    disk.left = (RESERVE - 1, 100 * 2**30)
    assert "nearly full" in world.audit.writable()
    with pytest.raises(Unavailable, match="nearly full"):
        world.decide(asked)
    world.audit.note(phase=Phase.OUTCOME, actor="backend", kind="container.stop", outcome="done")
    disk.left = (5 * 2**30, 100 * 2**30)
    assert world.audit.writable() == ""
    assert "5120 MiB free of 102400" in world.audit.low_space()
    disk.left = (50 * 2**30, 100 * 2**30)
    assert world.audit.low_space() == ""
    world.decide(asked)


def test_a_deleted_witness_stops_everything_until_a_restart(world: Any) -> None:
    asked = world.ask()
    (world.folder / "audit" / NAME).unlink()
    with pytest.raises(Unavailable, match="was deleted while the backend runs"):
        world.audit.note(phase=Phase.NOTE, actor="x", kind="k")
    with pytest.raises(Unavailable, match="was deleted while the backend runs"):
        world.decide(asked)
    world.restart()
    assert world.audit.writable() == ""
    assert world.records("audit.witness-missing")


def test_a_witnessed_record_that_is_changed_under_us_stops_everything(world: Any) -> None:
    asked = world.ask()
    world.sql("UPDATE event SET hash = :h WHERE seq = (SELECT max(seq) FROM event)", h="0" * 64)
    with pytest.raises(Unavailable, match="no longer holds record 2"):
        world.audit.note(phase=Phase.NOTE, actor="x", kind="k")
    with pytest.raises(Unavailable, match="until a person has looked"):
        world.decide(asked)


def test_two_writers_of_one_witness_lose_no_line(world: Any) -> None:
    """One backend a data directory is the rule; if it is broken, nothing that was witnessed is overwritten."""
    other = AuditLog(world.database, world.folder / "audit", world.clock)
    refused = 0
    for number in range(40):
        log = (world.audit, other)[number % 3 == 0]
        try:
            log.note(phase=Phase.NOTE, actor="x", kind="k")
        except Unavailable as error:
            told = error.detail
            refused += 1
            log.seal()  # opened anew
            assert "another process wrote to it" in told
    assert refused > 10
    assert world.audit.writable() == ""
    check = verify_directory(world.folder)
    assert (check.ok, check.witnessed) == (True, check.count)
    other.close()


def test_a_witness_that_is_no_file_of_ours_is_refused(make_world: Callable[..., Any], tmp_path: Path) -> None:
    makers: list[Callable[[Path], object]] = [lambda p: p.symlink_to("/dev/full"), os.mkfifo, Path.mkdir]
    for number, make in enumerate(makers):
        folder = tmp_path / f"odd{number}"
        (folder / "audit").mkdir(parents=True)
        make(folder / "audit" / NAME)
        database = Database(f"sqlite:///{folder}/aistack.db")
        audit = AuditLog(database, folder / "audit", HandClock())
        assert "cannot be opened" in audit.writable()
        with pytest.raises(Unavailable, match="cannot be opened"):
            audit.note(phase=Phase.NOTE, actor="x", kind="k")
        assert audit.page(1).total == 1
        database.close()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one mebibyte."""
    with small_disk(tmp_path / "tiny", "1m") as place:
        yield place


def fill_up(path: Path) -> None:
    """Write until the disk takes no more."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass


def attempt(audit: AuditLog) -> str:
    """Write a record; return "" or why it was refused."""
    try:
        audit.note(phase=Phase.OUTCOME, actor="x", kind="during")
    except Unavailable as error:
        return error.detail
    return ""


def test_a_real_full_disk(tiny: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/aistack.db")
    audit = AuditLog(database, tiny / "audit", HandClock())
    audit.note(phase=Phase.NOTE, actor="x", kind="before")
    filler = tiny / "filler"
    fill_up(filler)
    told = [attempt(audit) for _ in range(200)]  # what is left of the last page takes some lines
    refused = [why for why in told if why]
    assert len(refused) > 100
    assert all("No space left" in why for why in refused)
    filler.unlink()
    began = time.monotonic()
    audit.note(phase=Phase.NOTE, actor="x", kind="after")
    assert time.monotonic() - began < 5
    check = audit.verify()
    assert (check.ok, check.witnessed) == (True, check.count)
    audit.close()
    database.close()


def test_a_real_read_only_disk(tiny: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/aistack.db")
    AuditLog(database, tiny / "audit", HandClock()).close()
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    audit = AuditLog(database, tiny / "audit", HandClock())
    assert "Read-only file system" in audit.writable()
    assert audit.verify().ok
    subprocess.run(["mount", "-o", "remount,rw", tiny], check=True)
    assert audit.writable() == ""
    audit.close()
    database.close()


def test_what_a_record_costs(world: Any, tried: Callable[..., None]) -> None:
    took = []
    for _ in range(300):
        began = time.perf_counter()
        world.audit.note(phase=Phase.NOTE, actor="x", kind="k", detail={"argv": ["podman", "restart", "web"]})
        took.append(time.perf_counter() - began)
    cuts = statistics.quantiles(took, n=100)
    rate = len(took) / sum(took)
    tried("R2.5", len(took), 0, f"append + seal p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms, {rate:.0f}/s")
    assert rate >= 25  # the goal of 100/s is measured by the bench; a busy machine must not fail a test
