"""The doctor and the backups: data without one, one that is late, one that does not hold, one that nobody proved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aistack_backend.containers.stack.models import Extra, Manifest, MountDecl, ServiceDecl
from aistack_backend.errors import BadInput
from aistack_backend.observe import backups
from aistack_backend.observe.backups import PROVE, TAKE
from aistack_backend.wire.status import Finding
from aistack_backend.wire.storage import Backup, BackupList

NOW = 1_000_000.0


def keeper(name: str, method: str = "files") -> ServiceDecl:
    return ServiceDecl(
        id=name,
        container=f"local-ai-{name}",
        image=f"localhost/{name}:1",
        mounts=(MountDecl(type="volume", source=f"p_{name}", target="/data"),),
        extra=Extra(backup=method),
    )


STACK = Manifest(files=(), project="p", services={k: keeper(k) for k in ("db", "notes")} | {"x": keeper("x", "none")})
GOOD = Backup(
    id="b2", at=NOW - 7200, path="/b/b2", size=1, services=("db", "notes"), verified_at=NOW - 60, verified="ok"
)
OLDER = replace(GOOD, id="b1", at=NOW - 90_000)


def ask(*found: Backup, there: tuple[str, ...] = ("p_db", "p_notes"), hours: float = 0.0) -> Finding:
    shelf = BackupList(backups=found, folder="/b")
    return backups.kept(lambda: there, lambda: STACK, lambda: shelf, hours, lambda: NOW).ask()


@pytest.mark.parametrize("there", [(), ("p_x", "another")])
def test_without_data_nothing_is_missed(there: tuple[str, ...]) -> None:
    assert ask(there=there).ok is True


@pytest.mark.parametrize(
    ("found", "hours", "said", "fix"),
    [
        ((), 0.0, "2 data volumes exist, and /b holds no backup.", TAKE),
        (
            (replace(GOOD, verified="notes: 3 rows, not 4."), OLDER),
            0.0,
            "b2 does not hold: notes: 3 rows",
            f"{TAKE}; {PROVE}",
        ),
        ((OLDER,), 23.0, "25.0 h old; stack.backup_every wants one every 23 h.", TAKE),
        ((replace(GOOD, services=("db",)),), 0.0, "no backup holds data of notes.", TAKE),
        ((replace(GOOD, verified="", verified_at=None),), 0.0, "none of 1 was ever verified", PROVE),
    ],
)
def test_what_is_wrong_is_said_with_its_fix(found: tuple[Backup, ...], hours: float, said: str, fix: str) -> None:
    finding = ask(*found, hours=hours)
    assert (finding.ok, finding.fix) == (False, fix)
    assert said in finding.detail


def test_what_is_well_is_said_with_its_age() -> None:
    assert ask(GOOD, OLDER, hours=24.0).detail == "The newest backup is 2.0 h old; it was verified 1 min ago."
    newer = replace(GOOD, id="b3", at=NOW - 90, verified="", verified_at=None)
    finding = ask(newer, GOOD)
    assert (finding.ok, finding.detail.partition("; ")[2]) == (
        True,
        "it was not verified; another one was verified 1 min ago.",
    )


def test_a_late_backup_has_an_hour_to_be_approved_and_written() -> None:
    assert ask(OLDER, hours=24.5).ok is True
    assert ask(OLDER, hours=23.9).ok is False


def test_a_manifest_that_cannot_be_read_is_not_called_well() -> None:
    def broken() -> Manifest:
        raise BadInput("stack.yml:3: bad.")

    check = backups.kept(tuple, broken, BackupList, 0.0, lambda: NOW)
    with pytest.raises(BadInput):
        check.ask()
