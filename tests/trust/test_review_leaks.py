"""Found in review: pieces of secrets that reached the audit because a text was cut before it was redacted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.engine.conftest import ROOT, Rig

from aistack_backend.approvals.action import Action
from aistack_backend.audit.redact import Redactor, shortened
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.memory_world import World
from aistack_backend.containers.prepare import Preparer
from aistack_backend.containers.service import Containers
from aistack_backend.engine.gate import Gate, Run
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.tools import Outcome
from aistack_backend.wire.actions import ApprovalState, DecideRequest, Verdict

TOKEN = "ghp_Abcdefghijklmnopqrstuvwxyz0123456789"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A whole gate on files of its own."""
    rig = Rig(tmp_path)
    rig.engine.prepare()
    yield rig
    rig.close()


def every_word(rig: Rig) -> str:
    """Return all that the audit holds, as text."""
    page = rig.audit.page(1000)
    return json.dumps([[one.object, one.reason, one.outcome, one.detail] for one in page.records])


class Failing(NoteTool):
    """Fails, and says so in the words of its script."""

    async def run(self, key: str, action: Action) -> Outcome:
        """Report the script as what went wrong."""
        return Outcome(ok=False, text=action.script)


def shell(rig: Rig, script: str) -> Run:
    """Ask for a script as the preparer makes it, and approve it."""
    world = World()
    world.add_image("localhost/aistack-sandbox:1")
    podman = MemoryPodman(world)
    preparer = Preparer(podman, Containers(podman, rig.bus, rig.clock))
    waiting = rig.ask()
    action, evidence = preparer.prepare("shell.run", "", script, "agent:planner", waiting.task_id)
    with rig.database.tx() as connection:
        asked = rig.approvals.request(connection, action, evidence, task_id=waiting.task_id, via="tui")
    rig.audit.seal()
    if asked.state is ApprovalState.PENDING:
        answer = DecideRequest(verdict=Verdict.APPROVE, action_hash=asked.action_hash, code=asked.code)
        rig.approvals.decide(asked.id, answer, ROOT)
    return Run(asked.task_id, asked.id, asked.revision)


@pytest.mark.parametrize("at", range(30, 90, 3))
async def test_no_place_of_a_secret_in_a_command_leaves_a_piece_of_it(rig: Rig, at: int) -> None:
    script = f"echo {'x' * (at - 6)} {TOKEN} && true"
    run = shell(rig, script)
    gate: Gate = rig.gate()
    gate.begin(run)
    assert TOKEN[:8] not in every_word(rig)


@pytest.mark.parametrize("at", range(150, 210, 10))
async def test_no_place_of_a_secret_in_a_failure_leaves_a_piece_of_it(rig: Rig, at: int) -> None:
    rig.use(Failing)
    run = rig.approved(script=f"{'x' * (at - 1)} {TOKEN}")
    await rig.runner().execute(run)
    assert TOKEN[:8] not in every_word(rig)


@pytest.mark.parametrize("quote", ["'", '"'])
async def test_a_quoted_secret_that_goes_on_in_the_next_line_is_taken_out(rig: Rig, quote: str) -> None:
    gate: Gate = rig.gate()
    gate.begin(shell(rig, f"export DB_PASSWORD={quote}{PASSWORD}\nand more{quote}\ntrue"))
    assert "correct" not in every_word(rig)
    assert "battery" not in every_word(rig)


@pytest.mark.parametrize(
    "text",
    [
        f'PASSWORD="{PASSWORD}',
        f"export DB_PASSWORD='{PASSWORD}…",
        f'curl --password "{PASSWORD}',
        f'token: "{PASSWORD}\nnext line',
    ],
)
def test_a_quote_that_does_not_end_hides_to_the_end_of_its_line(text: str) -> None:
    redactor = Redactor(b"k" * 32)
    once = redactor.text(text)
    assert "correct" not in once
    assert "staple" not in once
    assert once.partition("\n")[2] == text.partition("\n")[2]
    assert redactor.text(once) == once


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("one two three", 9, "one two…"),
        ("one two three", 7, "one two…"),
        ("onetwothree", 5, "…"),
        ("", 5, ""),
        ("a\tb" * 9, 6, "a\tba…"),
    ],
)
def test_a_text_is_cut_between_words(text: str, limit: int, expected: str) -> None:
    assert shortened(text, limit) == expected
