"""Backups of real PostgreSQL, Redis and the Qdrant stand-in: taken, rehearsed, wiped, restored, counted."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from tests.bed.aside import Aside
from tests.bed.stack_images import image

from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup import offline
from aistack_backend.containers.backup.own import OwnStore
from aistack_backend.containers.backup.restorer import Restorer
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.containers.backup.taker import Taker
from aistack_backend.containers.backup.world import BackupWorld, world
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.storage import Backup

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]
T = TypeVar("T")
SERVICES = ("postgres", "redis", "qdrant")
SQL = ("psql", "-h", "127.0.0.1", "-U", "mcp", "-d", "mcp", "-Atc")


@pytest.fixture
def aside(podman_socket: Path, unique: str) -> Iterator[Aside]:
    if missing := [name for name in SERVICES if not there(image(name))]:
        pytest.skip(f"the test bed's images of {', '.join(missing)} are missing; run `make testbed`")
    made = Aside(str(podman_socket), unique, *SERVICES)
    yield made
    made.close()


@pytest.fixture
def around(aside: Aside) -> BackupWorld:
    return world(aside.podman, aside.provisioner)


def there(name: str) -> bool:
    return subprocess.run(["podman", "image", "exists", name], check=False).returncode == 0


class Site:
    """A data folder with a store and an audit, and a shelf."""

    def __init__(self, folder: Path, around: BackupWorld) -> None:
        self.data, self.clock = folder / "data", SystemClock()
        self.data.mkdir(mode=0o700)
        url = f"sqlite:///{self.data}/aistack.db"
        self.database = Database(url)
        self.audit = AuditLog(self.database, self.data / "audit", self.clock, bus=Bus())
        for number in range(20):
            self.audit.note(phase=Phase.NOTE, actor="test", kind="test.note", object=str(number))
        self.shelf = Shelf(folder / "shelf")
        self.taker = Taker(around, OwnStore(self.data, url), self.shelf, self.clock)
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text("correct horse battery\n")
        self.passphrase.chmod(0o600)

    def take(self, aside: Aside) -> Backup:
        return self.taker.take(aside.manifest, SERVICES, passphrase=self.passphrase)

    def close(self) -> None:
        self.audit.close()
        self.database.close()


@pytest.fixture
def site(tmp_path: Path, around: BackupWorld) -> Iterator[Site]:
    made = Site(tmp_path, around)
    yield made
    made.close()


def fill(aside: Aside, around: BackupWorld) -> None:
    for service in ("postgres", "qdrant"):
        decl = aside.manifest.services[service]
        box = around.container(decl)
        assert box
        around.methods[service].wait(decl, box.id)
    env = 'export PGPASSWORD=$(cat $POSTGRES_PASSWORD_FILE); exec "$@"'
    table = "CREATE EXTENSION IF NOT EXISTS vector; CREATE TABLE doc(id int, v vector(3)); "
    table += "INSERT INTO doc SELECT g, '[1,2,3]' FROM generate_series(1,500) g"
    aside.run("postgres", "sh", "-c", env, "sh", *SQL, table)


def rows(aside: Aside) -> str:
    env = 'export PGPASSWORD=$(cat $POSTGRES_PASSWORD_FILE); exec "$@"'
    return aside.run("postgres", "sh", "-c", env, "sh", *SQL, "SELECT count(*) FROM doc").strip()


def timed(do: Callable[[], T]) -> tuple[T, float]:
    began = time.monotonic()
    return do(), time.monotonic() - began


def restored_from_nothing(aside: Aside, around: BackupWorld, site: Site, packed: Path) -> str:
    """Our own state into a fresh folder, volumes and secrets into Podman, out of one file."""
    fresh = site.data.parent / "fresh"
    fresh.mkdir(mode=0o700)
    with offline.opened(packed) as (backup, told):
        secrets = offline.unsealed(backup, site.passphrase)
        said = offline.restore_store(backup, told, fresh, replace=False)
        offline.restore_stack(around, backup, aside.manifest, told, secrets, lambda _: None)
    return said


def test_taken_rehearsed_wiped_and_restored(
    aside: Aside, around: BackupWorld, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    aside.start()
    fill(aside, around)
    made, took = timed(lambda: site.take(aside))
    dump = next(piece for piece in folders.check(Path(made.path)).pieces if piece.kind == "postgres")
    assert dump.counts["public.doc"] == 500
    states = {row.name: row.state.value for row in aside.podman.list() if row.name.startswith(aside.prefix)}
    assert set(states.values()) == {"running"}, states
    found, rehearsed = timed(lambda: Restorer(around).rehearse(Path(made.path), aside.manifest))
    assert [one.text for one in found if not one.ok] == []
    packed = site.shelf.folder / "all.tar"
    size = offline.export(Path(made.path), packed)

    site.close()
    aside.wipe()
    said, restored = timed(lambda: restored_from_nothing(aside, around, site, packed))
    assert "21 audit records hold" in said
    aside.start()
    decl = aside.manifest.services["postgres"]
    box = around.container(decl)
    assert box
    around.methods["postgres"].wait(decl, box.id)
    assert rows(aside) == "500"
    with capsys.disabled():
        print(f"\n  backup {took:.1f} s, {made.size} bytes; rehearsed {rehearsed:.1f} s", end="")
        print(f"; packed {size} bytes; restored {restored:.1f} s", end="")


def test_a_changed_backup_is_refused_before_anything_is_touched(aside: Aside, around: BackupWorld, site: Site) -> None:
    aside.start("redis")
    made = site.take(replace_services(aside, "redis"))
    tar = next((Path(made.path) / "volumes").iterdir())
    raw = bytearray(tar.read_bytes())
    raw[len(raw) // 2] ^= 1
    tar.write_bytes(raw)
    before = sorted(site.data.iterdir())
    with pytest.raises(folders.BadArchive):
        Restorer(around).restore(Path(made.path), aside.manifest, ("redis",))
    with pytest.raises(folders.BadArchive), offline.opened(Path(made.path)):
        pass
    assert sorted(site.data.iterdir()) == before


def replace_services(aside: Aside, *services: str) -> Aside:
    aside.manifest = replace(aside.manifest, services={key: aside.manifest.services[key] for key in services})
    return aside
