"""R5.1: kill -9 at every named point: nothing lost, nothing twice, nothing unapproved, no approval gained."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.bed.postgres import emptied
from tests.trust.kill9_points import POINTS
from tests.trust.test_kill9 import check

from aistack_backend.store.database import Database
from aistack_backend.store.tables import effect, task

NURSERY = Path(__file__).with_name("kill9_nursery.py")
ROUNDS = 20
RARE = {"before rollback"}
"""Points to which not every life comes."""


def rehearse(folder: Path, url: str, points: tuple[str, ...], seed: int) -> None:
    """Kill one life at each point, let the last one live to its end, and check what is left."""
    command = [sys.executable, str(NURSERY), str(folder), str(seed), *points]
    done = subprocess.run(command, env={**os.environ, "KILL9_DATABASE": url}, capture_output=True, text=True)
    told = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr[-4000:]
    assert {line.partition(" ")[2] for line in told if line.startswith("missed ")} <= RARE
    database = Database(url)
    try:
        check(folder, database, told)
        with database.read() as connection:
            states = {row.id: row.state for row in connection.execute(select(task.c.id, task.c.state))}
            begun = Counter(connection.execute(select(effect.c.task_id)).scalars())
            unknown = connection.execute(select(effect.c.key).where(effect.c.state == "unknown")).scalars().all()
    finally:
        database.close()
    assert max(begun.values()) == 1, "an approval was used twice"
    assert not [number for number in begun if states[number] == "denied"], "a denied task began"
    steps = Counter((folder / "steps").read_text().splitlines())
    assert max(steps.values()) == 1, "a step was taken twice"
    killed = sum(line.startswith("killed ") for line in told)
    print(f"{killed} kills, {len(states)} tasks, {len(begun)} effects, {len(unknown)} unknown and asked")


@pytest.mark.timeout(240)
def test_each_point_once_on_sqlite(tmp_path: Path) -> None:
    rehearse(tmp_path, f"sqlite:///{tmp_path}/aistack.db", POINTS, 4)


@pytest.mark.timeout(240)
def test_some_points_on_postgresql(tmp_path: Path, postgres: str) -> None:
    seed = 4
    chosen = tuple(random.Random(seed).sample([point for point in POINTS if point not in RARE], 6))
    rehearse(tmp_path, emptied(postgres), chosen, seed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_each_point_twenty_times(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    for seed in range(ROUNDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        server = kind == "postgresql"
        url = emptied(request.getfixturevalue("postgres")) if server else f"sqlite:///{folder}/aistack.db"
        rehearse(folder, url, POINTS, seed)
