"""Signed checkpoints: a log computed anew with its witness is found, and so is every change of a checkpoint (R2.3)."""

from __future__ import annotations

import json
import random
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aistack_backend import cli
from aistack_backend.audit.checkpoint import EVERY_RECORDS, NAME, PUBLIC, SECRET, checkpoints
from aistack_backend.audit.record import FIELDS
from aistack_backend.audit.verify import EXPORT, exported_line, verify_directory
from aistack_backend.audit.witness import NAME as WITNESS
from aistack_backend.audit.witness import line
from aistack_backend.errors import BadInput
from aistack_backend.wire.audit import Phase

from .test_tamper import edited, rechained


def fill(world: Any, count: int) -> None:
    """Add records, sealing each 64."""
    for _ in range(0, count, 64):
        with world.database.tx() as connection:
            for _ in range(64):
                world.audit.append(connection, phase=Phase.NOTE, actor="x", kind="k", detail={"n": 1})
        world.audit.seal()


@pytest.fixture
def exported(world: Any, tmp_path: Path) -> Path:
    """An export with some checkpoints."""
    fill(world, 4 * EVERY_RECORDS)
    world.audit.export(tmp_path / "out", actor="x")
    return tmp_path / "out"


def rows_of(folder: Path) -> list[Any]:
    return [tuple(json.loads(raw)[name] for name in FIELDS) for raw in (folder / EXPORT).read_text().splitlines()]


def write(folder: Path, rows: list[Any]) -> None:
    """Write rows and the witness that a forger would write with them."""
    text = "".join(exported_line(dict(zip(FIELDS, row, strict=True))) for row in rows)
    (folder / EXPORT).write_text(text)
    (folder / WITNESS).write_bytes(b"".join(line(row[0], row[-1]) for row in rows if row[0] > 1))


def test_checkpoints_are_signed_as_records_come(world: Any, exported: Path) -> None:
    signed = checkpoints(world.folder / "audit")
    assert len(signed) == 4
    assert all(not one.why for one in signed)
    check = verify_directory(exported)
    assert (check.ok, check.signed) == (True, signed[-1].seq), check
    assert f"signed up to record {check.signed}" in check.detail
    assert world.audit.verify().signed == check.signed
    assert (world.folder / SECRET).stat().st_mode & 0o777 == 0o400
    assert not list((world.folder / "audit").glob(SECRET)), "a backup takes that folder and never the key"
    assert not list(exported.glob(SECRET))


def test_a_log_computed_anew_with_its_witness_is_found(
    exported: Path, rng: random.Random, tried: Callable[..., None], tmp_path: Path
) -> None:
    honest, missed = rows_of(exported), 0
    last = checkpoints(exported)[-1].seq
    for number in range(200):
        forged, at = tmp_path / "forged", rng.randrange(1, last - 1)
        shutil.rmtree(forged, ignore_errors=True)
        shutil.copytree(exported, forged)
        rows = list(honest)
        if number % 3 == 0:
            rows = rechained([*rows[:at], edited(rows[at], rng), *rows[at + 1 :]], at)
        elif number % 3 == 1:
            rows = rechained([*rows[:at], *((row[0] - 1, *row[1:]) for row in rows[at + 1 :])], at)
        else:
            rows = rows[: rng.randrange(1, last)]
        write(forged, rows)
        missed += verify_directory(forged).ok
    tried("R2.3 computed anew", 200, missed, "logs and witnesses computed anew, or cut, that went unnoticed")
    assert missed == 0


def test_every_change_of_a_checkpoint_is_found(exported: Path, rng: random.Random, tried: Callable[..., None]) -> None:
    path = exported / NAME
    honest = path.read_bytes()
    missed = 0
    for _ in range(300):
        at = rng.randrange(len(honest) - 1)
        changed = bytearray(honest)
        changed[at] ^= 1 << rng.randrange(7)
        path.write_bytes(bytes(changed))
        missed += verify_directory(exported).ok and path.read_bytes() != honest
    lines = honest.splitlines(keepends=True)
    for other in ([lines[1], lines[0], *lines[2:]], [lines[0], *lines], [*lines, lines[0]]):
        path.write_bytes(b"".join(other))
        missed += verify_directory(exported).ok
    tried("R2.3 checkpoints", 303, missed, "changed checkpoints that went unnoticed")
    assert missed == 0
    path.write_bytes(honest + b'{"at":1,"he')
    assert verify_directory(exported).ok, "a line that a crash cut off is no alarm"


def test_another_key_counts_only_without_a_copy_of_ours(
    exported: Path, make_world: Callable[..., Any], tmp_path: Path
) -> None:
    copy = tmp_path / "mine.pub"
    shutil.copy(exported / PUBLIC, copy)
    assert cli.main(["audit", "verify", str(exported), "--pubkey", str(copy)]) == 0
    other = make_world()
    fill(other, 2 * EVERY_RECORDS)
    other.audit.export(tmp_path / "other", actor="x")
    assert cli.main(["audit", "verify", str(tmp_path / "other")]) == 0
    assert cli.main(["audit", "verify", str(tmp_path / "other"), "--pubkey", str(copy)]) == 1, "signed by another"
    (exported / NAME).unlink()
    assert verify_directory(exported).ok
    assert cli.main(["audit", "verify", str(exported), "--pubkey", str(copy)]) == 1, "no checkpoint at all"
    copy.write_text("zz")
    assert cli.main(["audit", "verify", str(exported), "--pubkey", str(copy)]) == 2
    assert cli.main(["audit", "verify", str(exported), "--pubkey", str(tmp_path / "none")]) == 2
    with pytest.raises(BadInput, match="no public key"):
        checkpoints(tmp_path / "other", ["00"])


def test_a_key_that_cannot_be_used_stops_every_action_and_is_told(world: Any) -> None:
    (world.folder / SECRET).write_text("no key\n")
    fill(world, EVERY_RECORDS - 64)
    with world.database.tx() as connection:
        for _ in range(128):
            world.audit.append(connection, phase=Phase.NOTE, actor="x", kind="k")
    with pytest.raises(Exception, match="No audit checkpoint can be signed"):
        world.audit.seal()
    assert "checkpoint" in world.audit.writable()
    (world.folder / SECRET).unlink()
    assert world.audit.writable() == ""
    assert world.audit.verify().signed


def test_a_key_that_a_crash_left_half_written_stops_nothing(world: Any) -> None:
    (world.folder / f"{SECRET}.new").write_text("ab")
    fill(world, EVERY_RECORDS + 8)
    assert world.audit.verify().signed
    assert stat.S_IMODE((world.folder / SECRET).stat().st_mode) == 0o400
    assert not (world.folder / f"{SECRET}.new").exists()


def test_a_torn_checkpoint_is_taken_away_by_the_next(world: Any) -> None:
    fill(world, EVERY_RECORDS)
    path = world.folder / "audit" / NAME
    world.close()
    path.write_bytes(path.read_bytes() + b'{"at":17')
    world.restart()
    fill(world, EVERY_RECORDS)
    signed = checkpoints(world.folder / "audit")
    assert len(signed) == 2
    assert world.audit.verify().ok
    assert all(replace(one, why="") == one for one in signed)
