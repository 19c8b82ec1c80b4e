"""Backups on disk without Podman: our own state, the shelf, sealed secrets, a restore cut off at every step, eject."""

from __future__ import annotations

import configparser
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aistack_backend.approvals.policy import Policy
from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.verify import verify_directory
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock, SystemClock
from aistack_backend.containers import eject
from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup import offline, sealed
from aistack_backend.containers.backup.manifest import Contents
from aistack_backend.containers.backup.own import OwnStore
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.containers.backup.tarstream import BadArchive
from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.source import bundled
from aistack_backend.errors import BadInput, Conflict, NotFound, Refused
from aistack_backend.observe.schedule import BackupSchedule
from aistack_backend.store import settle
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.storage import Backup
from aistack_backend.wire.tasks import Task, TaskState


class Site:
    def __init__(self, folder: Path, records: int = 5) -> None:
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        self.database = Database(f"sqlite:///{self.data}/aistack.db")
        self.audit = AuditLog(self.database, self.data / "audit", SystemClock(), bus=Bus())
        for number in range(records):
            self.audit.note(phase=Phase.NOTE, actor="test", kind="test.note", object=str(number))
        self.shelf = Shelf(folder / "shelf")

    def take(self, at: float = 1_700_000_000.0) -> Backup:
        with self.shelf.draft(at) as (ident, draft):
            piece = OwnStore(self.data, self.database.url).take(draft)
            told = Contents(id=ident, at=at, version="1", pieces=(piece,), files=folders.listed(draft))
            return self.shelf.keep(draft, told)

    def close(self) -> None:
        self.audit.close()
        self.database.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_our_own_state_is_taken_while_in_use_and_comes_back(site: Site, tmp_path: Path) -> None:
    made = site.take()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    with offline.opened(Path(made.path)) as (backup, contents):
        offline.restore_store(backup, contents, fresh, replace=False)
        with pytest.raises(Conflict):
            offline.restore_store(backup, contents, fresh, replace=False)
        offline.restore_store(backup, contents, fresh, replace=True)
    assert verify_directory(fresh).ok
    Database(f"sqlite:///{fresh}/aistack.db").close()
    assert len(list(fresh.glob(f"{settle.ASIDE}*"))) == 1


def test_every_flipped_byte_of_a_folder_is_noticed(site: Site) -> None:
    path = Path(site.take().path)
    for file in (one for one in path.rglob("*") if one.is_file()):
        raw = file.read_bytes()
        for place in range(0, len(raw), max(1, len(raw) // 40)):
            file.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            with pytest.raises(BadArchive):
                folders.check(path)
        file.write_bytes(raw)
    folders.check(path)
    (path / "store" / "more").write_text("x")
    with pytest.raises(BadArchive):
        folders.check(path)


class Killed(BaseException):
    pass


def test_a_restore_cut_off_anywhere_leaves_all_old_or_all_new(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.take()
    site.close()
    real = {"rename": Path.rename, "rmtree": settle.shutil.rmtree}
    outcomes = []
    for point in range(1, 40):
        folder = tmp_path / f"run{point}"
        folder.mkdir()
        old = Site(folder, records=9)
        old.close()
        left = [point]

        def step(do: Any, *arguments: Any, left: list[int] = left, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return do(*arguments, **more)

        with monkeypatch.context() as patch, offline.opened(Path(made.path)) as (backup, contents):
            patch.setattr(Path, "rename", lambda *a: step(real["rename"], *a))
            patch.setattr(settle.shutil, "rmtree", lambda *a, **m: step(real["rmtree"], *a, **m))
            with suppress(Killed):
                offline.restore_store(backup, contents, old.data, replace=True)
        settle.settle(old.data)
        check = verify_directory(old.data)
        assert check.ok, (point, check)
        outcomes.append(check.count)
        assert not (old.data / settle.DRAFT).exists()
        if left[0] > 0:
            break
    assert set(outcomes) == {6, 10}  # with the genesis
    assert len(outcomes) >= 6


def test_the_shelf_keeps_the_newest_and_the_verified(site: Site) -> None:
    made = [site.take(1_700_000_000.0 + 60 * number) for number in range(5)]
    site.shelf.mark(made[0].id, 1.0, "ok")
    assert site.shelf.prune(2) == (made[2].id, made[1].id)
    assert [one.id for one in site.shelf.list().backups] == [made[4].id, made[3].id, made[0].id]
    assert site.shelf.list().backups[2].verified == "ok"
    assert site.shelf.path("latest").name == made[4].id
    again = site.take(1_700_000_000.0 + 240)
    assert again.id == f"{made[4].id}-2"
    with pytest.raises(NotFound):
        site.shelf.path("2020")
    with pytest.raises(NotFound):
        site.shelf.path("../data")


def test_secrets_open_with_their_passphrase_only(tmp_path: Path) -> None:
    raw = sealed.seal({"a": b"\0secret", "b": b""}, b"correct horse")
    assert b"secret" not in raw
    assert sealed.unseal(raw, b"correct horse") == {"a": b"\0secret", "b": b""}
    with pytest.raises(Refused):
        sealed.unseal(raw, b"correct hors")
    for place in range(len(raw)):
        broken = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        if place % 7 == 0:
            with pytest.raises((Refused, BadArchive)):
                sealed.unseal(broken, b"correct horse")
    file = tmp_path / "passphrase"
    file.write_text("correct horse battery\nsecond line\n")
    file.chmod(0o644)
    with pytest.raises(Refused):
        sealed.passphrase(file)
    file.chmod(0o600)
    assert sealed.passphrase(file) == b"correct horse battery"
    file.write_text("short")
    with pytest.raises(BadInput):
        sealed.passphrase(file)


class Asked:
    def __init__(self) -> None:
        self.wishes: list[tuple[str, str]] = []

    def submit_action(self, request: ActionRequest, requester: str, via: str) -> Task:
        self.wishes.append((request.kind, requester))
        state = TaskState.QUEUED
        return Task(id=1, goal="", requester=requester, via=via, state=state, created_at=0.0, updated_at=0.0)


def test_the_schedule_asks_once_when_it_is_due(site: Site) -> None:
    clock, asked, policy = HandClock(), Asked(), Policy("low")
    stack = Manifest(files=(), project="local-ai")
    schedule = BackupSchedule(asked, lambda: stack, policy, site.shelf, clock, 24.0)
    site.take(clock.now())
    assert not schedule.tick()
    assert schedule.next_at() == clock.now() + 86_400
    clock.advance(86_401)
    assert schedule.tick()
    assert not schedule.tick()
    assert asked.wishes == [("stack.backup", "schedule")]
    assert [rule.words() for rule in policy.rules] == [
        "allow: rule stack.backup local-ai by schedule (stack.backup_every = 24 h)"
    ]
    clock.advance(3_601)
    assert schedule.tick()
    off = BackupSchedule(asked, lambda: stack, policy, site.shelf, clock, 0.0)
    assert off.next_at() is None
    assert not off.tick()


def test_eject_gives_compose_that_podman_compose_and_we_read(tmp_path: Path) -> None:
    first = load([bundled()], {})
    file = eject.write(first, tmp_path / "out")[0]
    assert "x-aistack" not in file.read_text()
    command = [Path(sys.executable).with_name("podman-compose"), "-f", file, "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "local-ai-hybrid-coordinator" in done.stdout
    again = load([file], {})
    assert len(again.services) == 20
    for key, decl in first.services.items():
        for name in (
            "image",
            "command",
            "entrypoint",
            "environment",
            "user",
            "mounts",
            "secrets",
            "health",
            "cap_drop",
        ):
            assert getattr(again.services[key], name) == getattr(decl, name), (key, name)
    with pytest.raises(FileExistsError):
        eject.write(first, tmp_path / "out")


def test_eject_gives_quadlets_with_their_sections(tmp_path: Path) -> None:
    files = eject.write(load([bundled()], {}), tmp_path / "out")
    assert len([path for path in files if path.suffix == ".container"]) == 20
    for path in files[1:]:
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(path.read_text())
        section = {".container": "Container", ".network": "Network", ".volume": "Volume"}[path.suffix]
        assert section in parser.sections()
        if section == "Container":
            assert parser["Container"]["Image"]
