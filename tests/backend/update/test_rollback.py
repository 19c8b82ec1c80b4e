"""Back to the last good set: shown whole, bound to what was shown, done, and not without a set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.stack.yard import Yard

from aistack_backend.containers.update.rollback import ASIDE, RollbackPart
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.wire.boot import BootState

WELL = "web: {image: 'localhost/aistack-probe:1', command: [sleep, '1000']}"
BROKEN = "web: {image: 'localhost/aistack-probe:1', command: [sh, -c, 'exit 3'], environment: {A: b}}"


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.close()


@pytest.fixture
def part(yard: Yard) -> RollbackPart:
    return RollbackPart(yard.podman, yard.provisioner, yard.planner, yard.applier, yard.history)


def test_a_broken_change_is_taken_back(yard: Yard, part: RollbackPart) -> None:
    yard.write(WELL)
    with pytest.raises(NotFound):
        part.prepare("stack.rollback", "")
    assert yard.up().state is BootState.DONE
    text = yard.file.read_text()
    with pytest.raises(BadInput):
        part.prepare("stack.rollback", "")
    yard.write(BROKEN)
    assert yard.up().state is BootState.FAILED
    action, evidence = part.prepare("stack.rollback", "")
    assert "exit 3" in action.script
    assert "sleep" in action.script
    assert evidence.title == "go back to the last good set: 0 images, 1 files"
    assert part.recheck(action) == ""
    outcome = asyncio.run(part.run("k", action))
    assert outcome.ok, outcome
    assert yard.file.read_text() == text
    assert "exit 3" in yard.file.with_name(f"{yard.file.name}{ASIDE}").read_text()
    with pytest.raises(BadInput):
        part.prepare("stack.rollback", "")


def test_what_changed_since_it_was_shown_is_not_run(yard: Yard, part: RollbackPart) -> None:
    yard.write(WELL)
    yard.up()
    yard.write(BROKEN)
    action, _ = part.prepare("stack.rollback", "")
    yard.write(BROKEN.replace("exit 3", "exit 4"))
    assert part.recheck(action) == "The stack or its last good set changed since this was approved."


def test_an_image_is_named_as_it_was(yard: Yard, part: RollbackPart) -> None:
    yard.write(WELL)
    yard.up()
    good = yard.podman.image("localhost/aistack-probe:1").id
    newer = yard.podman.world.add_image("localhost/newer:1", b"newer").id
    yard.provisioner.tag(newer, "localhost/aistack-probe:1")
    yard.write(BROKEN)
    yard.up()
    action, _ = part.prepare("stack.rollback", "")
    assert f"web: image {newer[:12]} → {good[:12]}" in action.script
    assert asyncio.run(part.run("k", action)).ok
    assert yard.podman.image("localhost/aistack-probe:1").id == good
    assert {row.image_id for row in yard.podman.list()} == {good}
