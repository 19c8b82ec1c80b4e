"""The audit finds every kind of tampering, and never cries wolf (R2.3, R2.4)."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aistack_backend.audit.record import FIELDS, digest
from aistack_backend.audit.verify import EXPORT, verify_directory, walk
from aistack_backend.audit.witness import NAME, TORN, Piece, pieces
from aistack_backend.errors import BadInput
from aistack_backend.wire.audit import Phase

FLIPS = 5_000
EACH = 200
Row = tuple[Any, ...]


def fill(world: Any, count: int) -> None:
    """Write an honest log of ordinary length."""
    with world.database.tx() as connection:
        for number in range(count):
            world.audit.append(
                connection,
                phase=Phase.OUTCOME,
                actor="backend",
                kind="container.restart",
                object=f"web{number}",
                task_id=number,
                detail={"n": number, "text": "größe"},
            )
    world.audit.seal()


@pytest.fixture
def exported(world: Any, tmp_path: Path) -> Path:
    """Give the export of a log of 120 records."""
    fill(world, 118)
    folder = tmp_path / "export"
    world.audit.export(folder, actor="operator:root")
    return folder


@pytest.fixture
def honest(exported: Path) -> tuple[list[Row], list[Piece]]:
    """Give the rows and the witness of that log."""
    lines = (exported / EXPORT).read_text("utf-8").splitlines()
    return [tuple(json.loads(text)[name] for name in FIELDS) for text in lines], list(pieces(exported / NAME))


def test_an_honest_log_holds(exported: Path) -> None:
    check = verify_directory(exported)
    assert (check.ok, check.count, check.witnessed, check.first_bad) == (True, 120, 120, None)


@pytest.mark.parametrize("name", [EXPORT, NAME])
def test_every_flipped_byte_is_found(exported: Path, rng: random.Random, tried: Callable[..., None], name: str) -> None:
    path = exported / name
    original = path.read_bytes()
    last = verify_directory(exported).count
    count = FLIPS // 2
    for _ in range(count):
        at, bit = rng.randrange(len(original)), 1 << rng.randrange(8)
        changed = bytearray(original)
        changed[at] ^= bit
        path.write_bytes(changed)
        check = verify_directory(exported)
        assert not check.ok, (at, bit)
        seq = original.count(b"\n", 0, at) + 1
        assert check.first_bad in (seq, seq + 1, last), (at, bit, check)
    path.write_bytes(original)
    assert verify_directory(exported).ok
    tried("R2.3 flips", count, 0, f"flipped bits of {name} not found")


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_single_byte_is_found(exported: Path, tried: Callable[..., None]) -> None:
    path = exported / EXPORT
    original = path.read_bytes()
    for at in range(len(original)):
        changed = bytearray(original)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        assert not verify_directory(exported).ok, at
    tried("R2.3 flips", len(original), 0, "flipped bytes not found, one at a time")


def test_a_flipped_byte_of_the_database_is_found_or_changes_no_record(
    world: Any, tmp_path: Path, rng: random.Random, tried: Callable[..., None]
) -> None:
    fill(world, 80)
    copy = tmp_path / "copy"
    world.close()
    shutil.copytree(world.folder, copy)
    world.restart()
    original, rows = (path := copy / "aistack.db").read_bytes(), read_rows(path)
    found, untouched = 0, 0
    records = [original.index(row[-1].encode()) for row in rows]  # where each record's hash lies
    for number in range(600):
        changed = bytearray(original)
        near = rng.choice(records) - rng.randrange(400)  # every second one hits the log
        changed[near if number % 2 else rng.randrange(len(original))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        try:
            check = verify_directory(copy)
        except BadInput:
            found += 1  # no longer a database with a log
            continue
        if check.ok:
            assert read_rows(path) == rows
            untouched += 1
        else:
            found += 1
    tried("R2.3 file", 600, 0, f"flipped bits that changed a record unseen; {found} found, {untouched} outside it")
    assert found > 50


def read_rows(path: Path) -> list[Row]:
    """Read the log as it lies in a file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        return list(connection.execute(f"SELECT {', '.join(FIELDS)} FROM event ORDER BY seq"))


def rechained(rows: list[Row], start: int) -> list[Row]:
    """Compute every link anew from ``start`` on, as somebody who knows the code would."""
    made = rows[:start]
    for row in rows[start:]:
        prev = made[-1][-1] if made else "0" * 64
        changed = (len(made) + 1, *row[1:-2], prev, "")
        made.append((*changed[:-1], digest(changed)))
    return made


def edited(row: Row, rng: random.Random) -> Row:
    """Change one field of a record."""
    at = rng.choice([i for i, name in enumerate(FIELDS) if name not in ("seq", "prev", "hash")])
    value = row[at]
    new = value + 1 if isinstance(value, int | float) else (value or "") + "x"
    return (*row[:at], new, *row[at + 1 :])


def delete(rows: list[Row], at: int, _: random.Random) -> list[Row]:
    return rows[:at] + rows[at + 1 :]


def insert(rows: list[Row], at: int, rng: random.Random) -> list[Row]:
    return [*rows[:at], edited(rows[at], rng), *rows[at:]]


def swap(rows: list[Row], at: int, _: random.Random) -> list[Row]:
    return [*rows[: at - 1], rows[at], rows[at - 1], *rows[at + 1 :]]


def double(rows: list[Row], at: int, _: random.Random) -> list[Row]:
    return [*rows[:at], rows[at - 1], *rows[at:]]


def edit(rows: list[Row], at: int, rng: random.Random) -> list[Row]:
    return [*rows[:at], edited(rows[at], rng), *rows[at + 1 :]]


def edit_one_hash(rows: list[Row], at: int, rng: random.Random) -> list[Row]:
    changed = edited(rows[at], rng)
    return [*rows[:at], (*changed[:-1], digest(changed)), *rows[at + 1 :]]


def edit_and_rechain(rows: list[Row], at: int, rng: random.Random) -> list[Row]:
    return rechained(edit(rows, at, rng), at)


def delete_and_rechain(rows: list[Row], at: int, rng: random.Random) -> list[Row]:
    return rechained(delete(rows, at, rng), at)


def insert_and_rechain(rows: list[Row], at: int, rng: random.Random) -> list[Row]:
    return rechained(insert(rows, at, rng), at)


def swap_and_rechain(rows: list[Row], at: int, rng: random.Random) -> list[Row]:
    return rechained(swap(rows, at, rng), at - 1)


def turn_back_time(rows: list[Row], at: int, _: random.Random) -> list[Row]:
    earlier = (rows[at][0], rows[at][1] - 3600, *rows[at][2:])
    return rechained([*rows[:at], earlier, *rows[at + 1 :]], at)


def cut_tail(rows: list[Row], at: int, _: random.Random) -> list[Row]:
    return rows[:at]


def replace_all(rows: list[Row], _: int, rng: random.Random) -> list[Row]:
    return rechained([edited(row, rng) if row[0] == 1 else row for row in rows], 0)


KINDS = (
    delete,
    insert,
    swap,
    double,
    edit,
    edit_one_hash,
    edit_and_rechain,
    delete_and_rechain,
    insert_and_rechain,
    swap_and_rechain,
    turn_back_time,
    cut_tail,
    replace_all,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_of_tampering_is_found(
    honest: tuple[list[Row], list[Piece]],
    rng: random.Random,
    tried: Callable[..., None],
    kind: Callable[..., list[Row]],
) -> None:
    rows, witness = honest
    for _ in range(EACH):
        at = rng.randrange(1, len(rows))
        check = walk(kind(rows, at, rng), witness, 0)
        assert not check.ok, (kind.__name__, at)
        first = 1 if kind is replace_all else at if kind in (swap, swap_and_rechain) else at + 1
        assert check.first_bad is not None
        assert check.first_bad <= first + 1, (kind.__name__, at, check)
        assert check.first_bad >= min(first, at), (kind.__name__, at, check)
    tried("R2.3 kinds", EACH, 0, f"{kind.__name__} not found")


@pytest.mark.parametrize(
    "kind", [delete, insert, swap, double, edit, edit_one_hash], ids=lambda kind: str(kind.__name__)
)
def test_the_chain_alone_finds_what_was_not_computed_anew(
    honest: tuple[list[Row], list[Piece]], rng: random.Random, kind: Callable[..., list[Row]]
) -> None:
    for _ in range(EACH):
        at = rng.randrange(1, len(honest[0]) - 1)  # the very last one needs the witness
        assert not walk(kind(honest[0], at, rng), [], 0).ok, (kind.__name__, at)


def test_a_tampered_witness_is_found(honest: tuple[list[Row], list[Piece]], rng: random.Random) -> None:
    rows, witness = honest
    for _ in range(EACH):
        at = rng.randrange(1, len(witness) - 1)
        for changed in (
            witness[:at] + witness[at + 1 :],
            [*witness[:at], witness[at - 1], *witness[at:]],
            [*witness[:at], Piece(b"x\n", None, ""), *witness[at + 1 :]],
            [*witness[:at], Piece(b"", at + 1, "0" * 64), *witness[at + 1 :]],
            [*witness, Piece(b"", len(rows) + 1, "0" * 64)],
            [*witness, Piece(b'{"ha', None, "")],
        ):
            assert not walk(rows, changed, 0).ok


def test_without_a_witness_a_cut_tail_is_not_claimed_to_be_seen(honest: tuple[list[Row], list[Piece]]) -> None:
    check = walk(honest[0][:50], [], 0)
    assert (check.ok, check.witnessed) == (True, None)
    assert "no witness" in check.detail


def test_a_torn_witness_is_no_alarm_and_is_put_aside(world: Any, tried: Callable[..., None]) -> None:
    """Cut at every byte of the last three lines: clean before the restart, clean after, nothing thrown away."""
    fill(world, 10)
    path = world.folder / "audit" / NAME
    original = path.read_bytes()
    start = len(original) - sum(len(piece.raw) for piece in list(pieces(path))[-3:])
    world.close()
    kept = path.with_name(NAME + ".kept")
    shutil.copy(path, kept)
    count = 0
    for size in range(start, len(original)):
        path.write_bytes(original[:size])
        assert verify_directory(world.folder).ok, size
        count += 1
    for size in range(start, len(original), 7):
        shutil.copy(kept, path)
        os.truncate(path, size)
        torn = original[:size].rpartition(b"\n")[2]
        world.restart()
        check = world.audit.verify()
        assert (check.ok, check.witnessed) == (True, check.count)
        if torn:
            assert path.with_name(NAME + TORN).read_bytes().endswith(torn + b"\n")
            assert world.records("audit.torn-tail")[0].reason.startswith(str(len(torn)))
        count += 1
        world.close()
    world.restart()
    tried("R2.4", count, 0, "torn tails that raised an alarm or were thrown away")


def test_a_crash_before_the_seal_is_caught_up(world: Any) -> None:
    fill(world, 3)
    with world.database.tx() as connection:
        world.audit.append(connection, phase=Phase.INTENT, actor="backend", kind="container.stop")
    check = world.audit.verify()
    assert (check.ok, check.count, check.witnessed) == (True, 5, 4)
    assert "not witnessed yet" in check.detail
    world.restart()
    assert world.audit.verify().witnessed == 5


def test_a_log_that_was_cut_stops_every_action_until_a_person_looked(world: Any) -> None:
    fill(world, 5)
    world.close()
    with closing(sqlite3.connect(world.folder / "aistack.db")) as connection:
        connection.execute("DELETE FROM event WHERE seq > 3")
        connection.commit()
    world.restart()
    assert "no longer holds record 6" in world.audit.writable()
    with pytest.raises(Exception, match="no longer holds record 6"):
        world.ask()
    assert world.approvals.list().approvals == ()
    assert world.audit.verify().first_bad == 4
    world.audit.begin_new_witness(actor="operator:root", reason="restored on purpose")
    assert world.audit.writable() == ""
    world.ask()
    assert world.audit.verify().ok
    assert world.records("audit.new-witness")[0].reason == "restored on purpose"


def test_a_witness_that_is_gone_at_the_start_is_recorded(world: Any) -> None:
    fill(world, 5)
    world.close()
    (world.folder / "audit" / NAME).unlink()
    world.restart()
    assert "records up to 6 are not witnessed" in world.records("audit.witness-missing")[0].reason
    check = world.audit.verify()
    assert (check.ok, check.witnessed) == (True, 7)
    assert "begins at record 7" in check.detail


def test_a_folder_without_a_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no audit log"):
        verify_directory(tmp_path)
    (tmp_path / EXPORT).write_bytes(b"\xff\n")
    assert verify_directory(tmp_path).first_bad == 1
