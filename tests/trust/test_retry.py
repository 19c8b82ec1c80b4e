"""A request that comes again after a no or a failure is told with what changed in it (R1.15)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from aistack_backend.approvals.action import Action
from aistack_backend.containers import sandbox
from aistack_backend.store.tables import effect
from aistack_backend.wire.actions import Approval, Fact

from .conftest import EVIDENCE


def shell(script: str) -> Action:
    return sandbox.action(script, "sha256:1", "agent:planner", 0)


def ask(world: Any, script: str, task_id: int = 0) -> Approval:
    asked: Approval = world.ask(shell(script), EVIDENCE, task_id)
    return asked


def retry(one: Approval) -> str:
    return next((fact.text for fact in one.facts if fact.name == "retry"), "")


def test_the_first_request_has_nothing_to_be_held_against(world: Any) -> None:
    assert retry(ask(world, "rm -rf /data")) == ""


def test_what_changed_since_a_no_is_shown_line_by_line(world: Any) -> None:
    first = ask(world, "cd /tmp\nrm -rf /data\necho done")
    world.decide(first, "deny", reason="not the data")
    again = ask(world, "cd /tmp\nrm -rf /data/old\necho done")
    assert retry(again).splitlines()[0] == f"#{first.id} was denied (not the data). Changed since:"
    assert retry(again).splitlines()[1:] == ["script:", "-rm -rf /data", "+rm -rf /data/old"], "told once"
    assert again.facts[-1].source == f"approval {first.id}"
    assert again.facts[-1].at == world.clock.now()


def test_the_same_once_more_says_so(world: Any) -> None:
    world.decide(ask(world, "rm -rf /data"), "deny", reason="no")
    assert retry(ask(world, "rm -rf /data")).endswith("nothing: it is the same once more")


def test_what_failed_counts_and_what_went_well_does_not(world: Any) -> None:
    ran = world.decide(ask(world, "rm -rf /a"))
    with world.database.tx() as connection:
        values = {"task_id": ran.task_id, "approval_id": ran.id, "kind": "shell.run", "begun_at": 0.0}
        connection.execute(insert(effect).values(key="1", state="done", **values))
    assert retry(ask(world, "rm -rf /b")) == ""
    world.sql("UPDATE effect SET state = 'failed'")
    assert retry(ask(world, "rm -rf /b")).startswith(f"#{ran.id} failed. Changed since:")


def test_another_kind_or_asker_is_another_story(world: Any, action: Any) -> None:
    world.decide(ask(world, "rm -rf /data"), "deny", reason="no")
    assert retry(world.ask(action)) == ""
    other = replace(shell("rm -rf /x"), requester="agent:other")
    assert retry(world.ask(other, EVIDENCE)) == ""


def test_the_preview_tells_it_too_and_nothing_of_it_is_hashed(world: Any) -> None:
    world.decide(ask(world, "rm -rf /data"), "deny", reason="no")
    shown = world.approvals.preview(shell("rm -rf /y"), EVIDENCE)
    assert "was denied" in retry(shown)
    assert shown.action_hash == shell("rm -rf /y").hash()


def test_long_differences_are_counted(world: Any) -> None:
    world.decide(ask(world, "\n".join(f"rm {n}" for n in range(500))), "deny", reason="no")
    told = retry(ask(world, "\n".join(f"rm x{n}" for n in range(500)))).splitlines()
    assert (len(told), told[-1]) == (63, "… 940 more changed lines")


@pytest.mark.parametrize("view", ["{}", '{"facts": []}', '{"facts": [{"name": "a", "text": "b"}]}'])
def test_an_older_row_is_still_shown(world: Any, view: str) -> None:
    asked = world.ask()
    world.sql("UPDATE approval SET view = :v", v=view)
    assert world.approvals.get(asked.id).facts in ((), (Fact(name="a", text="b"),))
