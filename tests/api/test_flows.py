"""Runs of workflows on the whole application: order, conditions, denial, failure, stop, another life, a rerun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from aistack_backend.containers.memory_world import World

from .conftest import make_app, running, settings_in

TWO = """\
steps:
  first: {action: container.stop, target: web%s}
  second: {action: container.start, target: web, needs: first}
  beside: {read: containers_are_not_read}
"""


class Lab:
    """A data folder, a world, and one life after another of the application over them."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.world = world
        self.flows = folder / "workflows"
        self.flows.mkdir()
        self._life = AsyncExitStack()
        self.client: httpx.AsyncClient

    async def begin(self) -> None:
        settings = settings_in(self.folder, AISTACK_CONFIG=str(self.folder / "config.toml"))
        self.app = make_app(settings, self.world)
        self.client = await self._life.enter_async_context(running(self.app))

    async def end(self) -> None:
        await self._life.aclose()
        self._life = AsyncExitStack()

    def write(self, name: str, text: str) -> None:
        (self.flows / f"{name}.yml").write_text(text)

    async def run(self, name: str, **inputs: Any) -> int:
        said = await self.client.post("/v1/runs", json={"workflow": name, "inputs": inputs})
        assert said.status_code == 200, said.text
        return int(said.json()["task"]["id"])

    async def look(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"/v1/runs/{number}")).json()
        return found

    async def until(self, number: int, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Look at a run whenever the bus tells of tasks, until it is as wanted."""
        async with asyncio.timeout(60):
            async for _ in self.app.state.parts.bus.read():
                if good(now := await self.look(number)):
                    return now
        raise AssertionError

    async def over(self, number: int) -> dict[str, Any]:
        return await self.until(number, lambda now: now["task"]["state"] not in ("running", "queued"))

    async def asks(self, number: int, step: str) -> dict[str, Any]:
        return await self.until(number, lambda now: states(now)[step] == "needs you")

    async def decide(self, run: dict[str, Any], step: str, verdict: str = "approve") -> None:
        number = next(one["approval_id"] for one in run["steps"] if one["id"] == step)
        asked = (await self.client.get(f"/v1/approvals/{number}")).json()
        body = {"verdict": verdict, "action_hash": asked["action_hash"], "code": asked["code"], "reason": "because"}
        said = await self.client.post(f"/v1/approvals/{number}/decision", json=body)
        assert said.status_code == 200, said.text


def states(run: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["state"] for one in run["steps"]}


@pytest.fixture
async def lab(tmp_path: Path, world: World) -> AsyncIterator[Lab]:
    made = Lab(tmp_path, world)
    await made.begin()
    yield made
    await made.end()


STOP = "stop: {action: container.stop, target: web%s}"


async def test_steps_wait_for_what_they_need_and_see_its_results(lab: Lab) -> None:
    lab.write(
        "order",
        "inputs: {name: web}\nsteps:\n"
        "  log: {read: logs, with: {container: '${inputs.name}', lines: 5}}\n"
        "  stop: {action: container.stop, target: '${inputs.name}', needs: log}\n"
        "  say: {ask: 'log ${steps.log.text} then ${steps.stop.state}', tokens: 20}\n"
        "outputs: {said: '${steps.say.text}', log: '${steps.log.text}'}\n",
    )
    number = await lab.run("order")
    told = "1 of 3 steps ended; stop (approval 1) needs you."
    held = await lab.until(number, lambda now: now["task"]["reason"] == told)
    assert states(held) == {"log": "done", "stop": "needs you", "say": "waiting"}
    await lab.decide(held, "stop")
    done = await lab.over(number)
    assert (done["task"]["state"], done["task"]["reason"]) == ("done", "3 of 3 steps were done.")
    assert done["outputs"][1]["value"] == "hello"
    assert done["outputs"][0]["value"].startswith("You said: log hello then done")
    child = (await lab.client.get(f"/v1/tasks/{done['steps'][1]['task_id']}")).json()
    assert (child["parent_id"], child["requester"]) == (number, "workflow:order")


@pytest.mark.parametrize(("rule", "ended", "then"), [("", "denied", "skipped"), (", on_denied: skip", "done", "done")])
async def test_a_denial_ends_the_run_or_skips_as_the_file_says(lab: Lab, rule: str, ended: str, then: str) -> None:
    lab.write(
        "deny",
        f"steps:\n  {STOP % rule}\n  needing: {{action: container.start, target: web, needs: stop}}\n"
        "  after: {read: logs, with: {container: web}, if: \"steps.stop.state == 'denied'\"}\n",
    )
    number = await lab.run("deny")
    await lab.decide(await lab.asks(number, "stop"), "stop", "deny")
    done = await lab.over(number)
    assert done["task"]["state"] == ended
    assert states(done) == {"stop": "denied", "needing": "skipped", "after": then}
    assert "because" in done["steps"][0]["why"]
    assert len((await lab.client.get("/v1/tasks")).json()["tasks"]) == 2, "no task for a step that was not reached"


async def test_a_failing_branch_ends_the_run_and_the_other_branch_is_heard(lab: Lab) -> None:
    lab.write(
        "fails",
        "steps:\n  both:\n    parallel:\n"
        "      bad: {read: logs, with: {container: nobody}}\n"
        f"      {STOP % ''}\n"
        "  after: {read: logs, with: {container: web}, needs: both}\n",
    )
    number = await lab.run("fails")
    held = await lab.asks(number, "stop")
    await lab.until(number, lambda now: states(now)["bad"] == "failed")
    await lab.decide(held, "stop")
    done = await lab.over(number)
    assert done["task"]["state"] == "failed"
    assert done["task"]["reason"].startswith("Step bad failed: There is no container 'nobody'.")
    assert states(done) == {"bad": "failed", "stop": "done", "both": "skipped", "after": "skipped"}


async def test_a_group_merges_its_results(lab: Lab) -> None:
    lab.write(
        "merge",
        "steps:\n  both:\n    parallel:\n"
        "      log: {read: logs, with: {container: web}}\n"
        "      plan: {read: proposal, with: {goal: restart web, planner: rules}}\n"
        "      off: {read: host, if: false}\n"
        "outputs: {all: '${steps.both.text}', kind: '${steps.both.plan.action}', off: '${steps.both.off.state}'}\n",
    )
    done = await lab.over(await lab.run("merge"))
    given = {one["name"]: one["value"] for one in done["outputs"]}
    assert (given["kind"], given["off"]) == ("container.restart", "skipped")
    assert given["all"].startswith("log: hello\n\nplan: container.restart ")


async def test_a_workflow_calls_another_and_gets_its_outputs(lab: Lab) -> None:
    lab.write("inner", f"inputs: {{name: {{}}}}\nsteps: {{{STOP % ''}}}\noutputs: {{name: '${{inputs.name}}'}}\n")
    lab.write(
        "outer",
        "steps: {call: {workflow: inner, with: {name: web}}}\noutputs: {told: '${steps.call.name}'}\n",
    )
    number = await lab.run("outer")
    inner = (await lab.until(number, lambda now: now["steps"][0]["task_id"] is not None))["steps"][0]["task_id"]
    await lab.decide(await lab.asks(inner, "stop"), "stop")
    done = await lab.over(number)
    assert (done["task"]["state"], done["outputs"]) == ("done", [{"name": "told", "value": "web"}])
    lab.write("round", "steps: {call: {workflow: round}}\n")
    deep = await lab.over(await lab.run("round"))
    assert "4 are allowed" in deep["task"]["reason"]


async def test_stop_ends_the_run_what_it_asked_for_and_what_it_asks(lab: Lab) -> None:
    lab.write("inner", f"steps: {{{STOP % ''}}}\n")
    lab.write("outer", "steps: {call: {workflow: inner}, later: {read: host, needs: call}}\n")
    number = await lab.run("outer")
    inner = (await lab.until(number, lambda now: now["steps"][0]["task_id"] is not None))["steps"][0]["task_id"]
    held = await lab.asks(inner, "stop")
    said = await lab.client.post(f"/v1/tasks/{number}/stop", json={})
    assert said.json()["state"] == "stopped"
    ended = await lab.until(number, lambda now: set(states(now).values()) == {"stopped"})
    assert ended["task"]["state"] == "stopped"
    below = await lab.until(inner, lambda now: states(now)["stop"] == "stopped")
    assert below["task"]["state"] == "stopped"
    approval = next(one["approval_id"] for one in held["steps"])
    assert (await lab.client.get(f"/v1/approvals/{approval}")).json()["state"] == "denied"


async def test_another_life_goes_on_and_a_changed_file_changes_no_run(lab: Lab) -> None:
    lab.write("order", f"steps:\n  log: {{read: logs, with: {{container: web}}}}\n  {STOP % ', needs: log'}\n")
    number = await lab.run("order")
    before = await lab.asks(number, "stop")
    await lab.end()
    lab.write("order", "steps: {other: {read: host}}\n")
    await lab.begin()
    after = await lab.look(number)
    assert after["steps"] == before["steps"]
    await lab.decide(after, "stop")
    assert states(await lab.over(number)) == {"log": "done", "stop": "done"}
    tasks = (await lab.client.get("/v1/tasks")).json()["tasks"]
    assert [one["parent_id"] for one in tasks] == [number, None], "one task for the step, whatever came between"


async def test_a_rerun_from_a_step_keeps_what_was_done_before(lab: Lab) -> None:
    lab.write(
        "order",
        f"steps:\n  log: {{read: logs, with: {{container: web}}}}\n  {STOP % ', needs: log'}\n"
        "  after: {read: logs, with: {container: web}, needs: stop}\n  beside: {read: host}\n",
    )
    number = await lab.run("order")
    held = await lab.asks(number, "stop")
    early = await lab.client.post(f"/v1/runs/{number}/rerun", json={"step": "stop"})
    assert (early.status_code, early.json()["type"]) == (409, "conflict")
    await lab.decide(held, "stop", "deny")
    first = await lab.over(number)
    wrong = await lab.client.post(f"/v1/runs/{number}/rerun", json={"step": "stpo"})
    assert (wrong.status_code, wrong.json()["hint"]) == (422, "Its steps: log, stop, after, beside.")
    again = (await lab.client.post(f"/v1/runs/{number}/rerun", json={"step": "stop"})).json()
    second = again["task"]["id"]
    assert (again["rerun_of"], again["from_step"]) == (number, "stop")
    await lab.decide(await lab.asks(second, "stop"), "stop")
    done = await lab.over(second)
    assert set(states(done).values()) == {"done"}
    by_id = {one["id"]: one for one in done["steps"]}
    kept = {one["id"]: one for one in first["steps"]}
    assert (by_id["log"]["kept_from"], by_id["log"]["ended_at"]) == (number, kept["log"]["ended_at"])
    assert by_id["stop"]["kept_from"] is None


async def test_nothing_begins_below_a_run_that_was_stopped(lab: Lab) -> None:
    from aistack_backend.errors import Conflict
    from aistack_backend.orchestration.tree import Under
    from aistack_backend.wire.actions import ActionRequest

    lab.write("order", f"steps: {{{STOP % ''}}}\n")
    number = await lab.run("order")
    await lab.asks(number, "stop")
    await lab.client.post(f"/v1/tasks/{number}/stop", json={})
    tasks = lab.app.state.parts.tasks.get()
    wish = ActionRequest(kind="container.start", target="db")
    with pytest.raises(Conflict, match="nothing begins below it"):
        await asyncio.to_thread(tasks.submit_action, wish, "workflow:order", "cli", under=Under(number, "late"))


async def test_the_check_tells_every_fault_and_stores_nothing(lab: Lab) -> None:
    said = await lab.client.post("/v1/workflow-check", json={"text": TWO % ", bad: 1", "name": "two", "file": "x.yml"})
    assert said.status_code == 200, said.text
    assert [(one["line"], one["text"]) for one in said.json()["faults"]] == [
        (
            2,
            "x.yml:2: steps.first.bad is not a known key; it may be action, if, needs, on_denied, on_failed, "
            "script, target.",
        ),
        (
            4,
            "x.yml:4: steps.beside.read is 'containers_are_not_read', which cannot be read; "
            "it may be backups, diff, host, logs, lookup, plan, proposal, service, stack.",
        ),
    ]
    assert "two" not in [one["name"] for one in (await lab.client.get("/v1/workflows")).json()["workflows"]]
