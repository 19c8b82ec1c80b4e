"""SQLite as we need it: the pragmas hold, and each way it fails is one sentence."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.bed.disk import small_disk

from aistack_backend.errors import Unavailable
from aistack_backend.store.database import BUSY_MS, Database
from aistack_backend.store.files import replace_file

WRITE = "INSERT INTO aistack_meta VALUES (:k, :v)"


def pragmas(database: Database) -> tuple[object, ...]:
    """Return what a fresh connection of the pool runs with."""
    names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    with database.read() as connection:
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)


def write(database: Database, key: str, value: str = "v") -> None:
    """Write one row."""
    with database.tx() as connection:
        connection.execute(text(WRITE), {"k": key, "v": value})


def put(database: Database, key: str) -> str:
    """Write a row of 100 kB; return "" or why it could not be."""
    try:
        write(database, key, "x" * 100_000)
    except Unavailable as error:
        return error.detail
    return ""


def opening(path: Path) -> str:
    """Open a database; return "" or the one sentence why it could not be."""
    try:
        Database(f"sqlite:///{path}").close()
    except Unavailable as error:
        told = error.detail
    else:
        return ""
    assert told.count(". ") == 0, told
    assert str(path) in told
    return told


def test_every_connection_has_the_pragmas(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.db")
    assert pragmas(database) == ("wal", 2, BUSY_MS, 1)  # 2 = FULL
    with database.read(), database.read():
        assert pragmas(database) == ("wal", 2, BUSY_MS, 1)
    database.close()


def test_its_files_are_private(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/new/a.db")
        write(database, "k")
    finally:
        os.umask(umask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    database.close()


def test_a_foreign_key_is_kept(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.db")

    def orphan() -> None:
        with database.tx() as connection:
            connection.execute(text("INSERT INTO effect VALUES ('k', 9, 9, 'x', 'begun', 0, NULL, '')"))

    with pytest.raises(Exception, match="FOREIGN KEY"):
        orphan()
    database.close()


@pytest.mark.parametrize(
    "content",
    [b"not a database at all", b"\0" * 4096, random.Random(9).randbytes(9000)],
    ids=["words", "zeros", "noise"],
)
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    assert "is not a database, or is damaged" in opening(path)


def test_a_truncated_or_flipped_file_is_told_or_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database = Database(f"sqlite:///{path}")
    for number in range(200):
        write(database, f"k{number}", "v" * 300)
    with database.tx() as connection:
        connection.execute(text("DELETE FROM aistack_meta WHERE key LIKE 'k1%'"))
    database.close()
    original, rng = path.read_bytes(), random.Random(3)
    told = 0
    for number in range(100):
        changed = bytearray(original)
        if number % 2:
            changed = changed[: rng.randrange(1, len(original))]
        else:
            page = rng.randrange(len(original) // 4096) * 4096
            changed[page : page + 4096] = rng.randbytes(4096)
        path.write_bytes(changed)
        for name in ("a.db-wal", "a.db-shm"):
            path.with_name(name).unlink(missing_ok=True)
        told += bool(opening(path))
    print(f"R5.3: 100 damaged files, {told} told in one sentence, 0 tracebacks")
    assert told > 60


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "cannot be opened: Not a directory" in opening(tmp_path / "file" / "a.db") or "File exists" in opening(
        tmp_path / "file" / "a.db"
    )
    (tmp_path / "a.db").mkdir()
    assert "Is a directory" in opening(tmp_path / "a.db")


def test_a_lock_that_somebody_else_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aistack_backend.store.database.BUSY_MS", 50)
    path = tmp_path / "a.db"
    database = Database(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="is locked by another process"):
            write(database, "k")
        assert pragmas(database)[0] == "wal"  # reading goes on
    write(database, "k")
    database.close()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one mebibyte."""
    with small_disk(tmp_path / "tiny", "1m") as place:
        yield place


def test_a_full_disk_and_its_end(tiny: Path) -> None:
    database = Database(f"sqlite:///{tiny}/a.db")
    answers = [put(database, f"k{number}") for number in range(30)]
    assert answers[0] == ""
    assert "disk is full" in answers[-1]
    with database.read() as connection:
        kept = connection.execute(text("SELECT count(*) FROM aistack_meta")).scalar()
    assert kept == 1 + answers.count("")
    subprocess.run(["mount", "-o", "remount,size=8m", tiny], check=True)
    assert put(database, "after") == ""
    database.close()


def test_a_full_disk_at_the_start(tiny: Path) -> None:
    with (tiny / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    assert opening(tiny / "a.db")


def test_a_read_only_disk(tiny: Path) -> None:
    path = tiny / "a.db"
    Database(f"sqlite:///{path}").close()
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    assert "Read-only file system" in opening(path)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")

    def fail() -> None:
        with replace_file(path) as file:
            file.write(b"half")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert path.read_text() == "old"
    with replace_file(path) as file:
        file.write(b"new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]
