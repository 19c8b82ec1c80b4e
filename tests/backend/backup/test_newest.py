"""What the shelf is said to hold: the newest of each service, proven or not, and read again only after a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup.manifest import NAME, Contents, Piece
from aistack_backend.containers.backup.newest import Kept, Newest, Taken
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.wire.storage import Backup


def take(shelf: Shelf, at: float, *services: str, empty: str = "") -> Backup:
    with shelf.draft(at) as (ident, draft):
        for name in services:
            (draft / name).write_text("data")
            (draft / name).chmod(0o600)
        pieces = [Piece(kind="files", service=name, file=name) for name in services]
        if empty:
            pieces.append(Piece(kind="files", service=empty, note=f"There is no data of {empty} yet."))
        told = Contents(id=ident, at=at, version="1", pieces=tuple(pieces), files=folders.listed(draft))
        return shelf.keep(draft, told)


def test_each_service_has_the_newest_backup_that_holds_its_data(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    newest = Newest(shelf)
    assert newest.now() == Kept()
    old = take(shelf, 1000.0, "db", "notes")
    take(shelf, 2000.0, "db", empty="cache")
    shelf.mark(old.id, 1500.0, "ok")
    found = newest.now()
    assert (found.count, found.newest) == (2, Taken(at=2000.0))
    assert found.of("db") == Taken(at=2000.0)
    assert found.of("notes") == Taken(at=1000.0, verified_at=1500.0)
    assert found.of("cache") == Taken()


def test_a_backup_that_did_not_hold_is_not_verified(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    newest = Newest(shelf)
    made = take(shelf, 1000.0, "db")
    shelf.mark(made.id, 1100.0, "Table notes has 3 rows, not 4.")
    assert newest.now().of("db") == Taken(at=1000.0)
    shelf.mark(made.id, 1200.0, "ok")
    assert newest.now().of("db") == Taken(at=1000.0, verified_at=1200.0)


def test_the_manifests_are_read_again_only_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    made = take(shelf, 1000.0, "db")
    reads: list[Path] = []
    real = folders.read
    monkeypatch.setattr(folders, "read", lambda path: reads.append(path) or real(path))  # type: ignore[func-returns-value]
    newest = Newest(shelf)
    for _ in range(3):
        assert newest.now().count == 1
    assert len(reads) == 1
    (Path(made.path) / NAME).write_text("{}")
    assert newest.now() == Kept()
