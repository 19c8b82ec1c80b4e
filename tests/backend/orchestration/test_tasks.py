"""The task service with the real gate and a real engine: asked, decided, executed, stopped, told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aistack_backend.approvals.policy import Effect as Ruled
from aistack_backend.approvals.policy import Policy, Rule
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.runtime import Engine
from aistack_backend.engine.tools import Registry
from aistack_backend.errors import BadInput, Conflict, NotFound, Refused
from aistack_backend.inference.models import Rank, Turn
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.goals import LONGEST
from aistack_backend.orchestration.memory import MemoryModel, MemoryPreparer, MemoryShips
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.orchestration.tree import Under
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import ActionRequest, ApprovalState, DecideRequest, GoalRequest, Verdict
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task, TaskState

ROOT = Person(uid=0, gid=0, pid=1, user="root", via="tui")
SHIPS = MemoryShips(("web", "docker.io/library/nginx:1"))


class Quay(NoteTool):
    """Notes, and a container kind that notes too."""

    kinds = NoteTool.kinds | {"container.restart", "volume.remove"}


class Office:
    """The service with everything below it."""

    def __init__(self, folder: Path, model: MemoryModel | None = None, rules: tuple[Rule, ...] = ()) -> None:
        clock, registry = SystemClock(), Registry()
        self.bus = Bus()
        self.database = Database(f"sqlite:///{folder}/aistack.db")
        self.audit = AuditLog(self.database, folder / "audit", clock, bus=self.bus)
        self.approvals = Approvals(self.database, self.audit, Policy("medium", rules), clock, self.bus)
        self.tool = Quay(folder / "notes")
        registry.register(self.tool)
        self.engine = Engine(
            self.database, registry, self.approvals, self.audit, clock, folder, self.bus, poll=0.02, look_again=()
        )
        self.approvals.enqueue = self.engine
        agent = Agent(registry, SHIPS, model)
        self.tasks = Tasks(
            self.database, self.approvals, self.audit, self.engine, MemoryPreparer(SHIPS), agent, clock, self.bus
        )
        self.approvals.watchers.append(self.tasks.follow)
        self.moved = threading.Condition()
        self.engine.on_done += [self.tasks.changed, self._wake]
        self.engine.claim()
        self.engine.prepare()

    def launch(self) -> None:
        self.engine.start()
        assert self.engine.wait_running(30), self.engine.failure

    def confirm(self, request: ActionRequest) -> Task:
        seen = self.tasks.preview(request, ROOT)
        full = replace(request, confirmed_hash=seen.action_hash, code=seen.code, typed_name=seen.typed_name)
        return self.tasks.submit_action(full, ROOT.actor, "tui", ROOT)

    def decide(self, task: Task, verdict: Verdict) -> None:
        assert task.approval_id is not None
        seen = self.approvals.get(task.approval_id)
        self.approvals.decide(
            seen.id, DecideRequest(verdict=verdict, action_hash=seen.action_hash, reason="no", code=seen.code), ROOT
        )

    def wait(self, task_id: int, state: TaskState) -> Task:
        with self.moved:
            assert self.moved.wait_for(lambda: self.tasks.get(task_id).state is state, 60), self.tasks.get(task_id)
        return self.tasks.get(task_id)

    def close(self) -> None:
        self.engine.stop(grace=0.5)
        self.audit.close()
        self.database.close()

    def _wake(self, _: int) -> None:
        with self.moved:
            self.moved.notify_all()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.close()


NOTE = ActionRequest(kind="note.append", script="hello")


def test_asked_without_a_confirmation_waits_for_a_person(office: Office) -> None:
    task = office.tasks.submit_action(NOTE, "agent:planner", "api", agent_says="I would like to", planner="rules")
    assert (task.state, task.planner, task.action_title) == (TaskState.AWAITING, "rules", "note hello")
    assert office.approvals.get(task.approval_id or 0).agent_says == "I would like to"
    assert office.tasks.list().tasks == (task,)
    assert office.tool.lines() == []


def test_a_person_confirms_what_was_previewed_and_it_runs(office: Office) -> None:
    office.launch()
    task = office.confirm(NOTE)
    done = office.wait(task.id, TaskState.DONE)
    assert (done.result, done.requester) == ("wrote 'hello'", "operator:root")
    approval = office.approvals.get(done.approval_id or 0)
    assert (approval.decided_by, approval.state) == ("operator:root", ApprovalState.USED)
    assert len(office.tool.lines()) == 1


def test_what_changed_since_the_preview_is_not_even_asked(office: Office) -> None:
    seen = office.tasks.preview(NOTE, ROOT)
    other = replace(NOTE, script="hello, world", confirmed_hash=seen.action_hash, code=seen.code)
    with pytest.raises(Conflict, match="no longer what you confirmed"):
        office.tasks.submit_action(other, ROOT.actor, "tui", ROOT)
    newest = office.audit.page(1).records[0]
    assert (newest.actor, newest.action_hash) == ("operator:root", seen.action_hash)
    assert newest.outcome.startswith("refused: What would run now is no longer")
    assert office.tasks.list().tasks == ()


def test_only_a_person_can_confirm(office: Office) -> None:
    seen = office.tasks.preview(NOTE, ROOT)
    with pytest.raises(Refused):
        office.tasks.submit_action(replace(NOTE, confirmed_hash=seen.action_hash), "agent:planner", "api")
    assert office.tasks.list().tasks == ()


def test_a_wrong_code_leaves_it_in_the_queue_and_says_so(office: Office) -> None:
    seen = office.tasks.preview(NOTE, ROOT)
    wrong = replace(NOTE, confirmed_hash=seen.action_hash, code="zzzz")
    task = office.tasks.submit_action(wrong, ROOT.actor, "tui", ROOT)
    assert task.state is TaskState.AWAITING
    assert task.reason == f"Not decided yet: The code is not right. It waits in Approvals as {task.approval_id}."


def test_a_destructive_action_cools_off_in_the_queue(office: Office) -> None:
    task = office.confirm(ActionRequest(kind="volume.remove", target="web"))
    assert task.state is TaskState.AWAITING
    assert "cooling off" in task.reason


def test_a_denial_ends_the_task_with_its_reason(office: Office) -> None:
    task = office.tasks.submit_action(NOTE, "agent:planner", "api")
    office.decide(task, Verdict.DENY)
    assert office.tasks.get(task.id).state is TaskState.DENIED
    assert office.tasks.get(task.id).reason == "Denied by operator:root: no"


def test_a_deny_rule_ends_it_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path, rules=(Rule(effect=Ruled.DENY, kind="note.append", why="no notes"),))
    task = office.tasks.submit_action(NOTE, "agent:planner", "api")
    assert task.state is TaskState.DENIED
    assert "no notes" in task.reason
    office.close()


def test_a_stop_while_it_waits_withdraws_the_request(office: Office) -> None:
    task = office.tasks.submit_action(NOTE, "agent:planner", "api")
    stopped = office.tasks.stop(task.id, ROOT)
    assert (stopped.state, stopped.reason) == (TaskState.STOPPED, "Stopped by operator:root.")
    assert office.approvals.get(task.approval_id or 0).state is ApprovalState.DENIED
    with pytest.raises(Conflict, match="is stopped already"):
        office.tasks.stop(task.id, ROOT)
    assert any(record.kind == "task.stop" for record in office.audit.page(20).records)


def test_a_stop_before_the_engine_runs_is_respected_by_the_gate(office: Office) -> None:
    task = office.confirm(NOTE)
    assert task.state is TaskState.QUEUED
    assert office.tasks.stop(task.id, ROOT).state is TaskState.STOPPED
    office.launch()
    after = office.confirm(replace(NOTE, script="second"))
    office.wait(after.id, TaskState.DONE)
    assert [line.rpartition("\t")[2] for line in office.tool.lines()] == ["second"]


def test_a_stop_while_it_runs_stops_the_effect(office: Office) -> None:
    office.launch()
    task = office.confirm(ActionRequest(kind="note.wait", script="for ever"))
    office.wait(task.id, TaskState.RUNNING)
    office.tasks.stop(task.id, ROOT)
    stopped = office.wait(task.id, TaskState.STOPPED)
    assert stopped.reason == "Stopped by operator:root. What it had done until then stays."


def test_a_task_that_is_not_there_is_one_sentence(office: Office) -> None:
    with pytest.raises(NotFound, match="There is no task 7"):
        office.tasks.get(7)
    with pytest.raises(NotFound, match="There is no task 7"):
        office.tasks.stop(7, ROOT)


def test_an_action_that_cannot_be_prepared_leaves_no_task(office: Office) -> None:
    with pytest.raises(NotFound, match="There is no container 'mail'"):
        office.tasks.submit_action(ActionRequest(kind="container.restart", target="mail"), "agent:x", "api")
    assert office.tasks.list().tasks == ()


def test_consoles_are_told_of_the_list_and_of_each_change(office: Office) -> None:
    office.tasks.changed(0)
    task = office.tasks.submit_action(NOTE, "agent:planner", "api", planner="rules")
    told = office.bus.latest(Topic.TASKS)
    assert told is not None
    assert told.tasks == (task,)
    office.decide(task, Verdict.DENY)
    texts = [event.data.text for event in office.bus._ring if event.topic is Topic.ACTIVITY]
    assert texts == [f"task {task.id} awaiting approval: note hello", f"task {task.id} denied: note hello"]


async def test_a_goal_by_rules_is_planned_before_it_returns(office: Office) -> None:
    task = await office.tasks.submit_goal(GoalRequest(text="restart the nginx container", planner="rules"), ROOT)
    assert (task.state, task.planner, task.action_title) == (TaskState.AWAITING, "rules", "restart container web")
    approval = office.approvals.get(task.approval_id or 0)
    assert (approval.requester, approval.targets[0].id) == ("agent:planner", SHIPS.containers[0].id)
    assert office.tool.lines() == []
    asked = [record for record in office.audit.page(20).records if record.kind == "task.goal"]
    assert [(record.actor, record.object) for record in asked] == [("operator:root", "restart the nginx container")]


async def test_a_goal_that_cannot_be_read_fails_with_the_nearest_name(office: Office) -> None:
    task = await office.tasks.submit_goal(GoalRequest(text="restart wbe", planner="rules"), ROOT)
    assert task.state is TaskState.FAILED
    assert task.reason == "There is no container 'wbe'. Nearest: web."


async def test_a_goal_too_long_is_refused(office: Office) -> None:
    with pytest.raises(BadInput, match="4000 are allowed"):
        await office.tasks.submit_goal(GoalRequest(text="x" * (LONGEST + 1)), ROOT)


async def planned(office: Office, task: Task) -> Task:
    await asyncio.gather(*office.tasks._goals._planning)
    return office.tasks.get(task.id)


async def test_a_goal_planned_by_the_model_returns_at_once_and_carries_its_reason(tmp_path: Path) -> None:
    model = MemoryModel(json.dumps({"kind": "container.restart", "target": "web", "reason": "it hangs"}))
    office = Office(tmp_path, model)
    task = await office.tasks.submit_goal(GoalRequest(text="restart web"), ROOT)
    assert task.state is TaskState.PLANNING
    task = await planned(office, task)
    assert (task.state, task.planner) == (TaskState.AWAITING, "model memory")
    assert office.approvals.get(task.approval_id or 0).agent_says == "it hangs"
    office.close()


async def test_a_model_that_chooses_badly_is_said_in_the_task(tmp_path: Path) -> None:
    office = Office(tmp_path, MemoryModel(json.dumps({"kind": "note.append", "target": "none", "reason": "?"})))
    task = await planned(office, await office.tasks.submit_goal(GoalRequest(text="restart web"), ROOT))
    assert (task.state, task.planner) == (TaskState.AWAITING, "rules")
    assert task.reason == ("The model chose note.append, and named no container. The rules planned this instead.")
    office.close()


class Thinking(MemoryModel):
    """Thinks until it is told to answer."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.enough = asyncio.Event()

    async def choose(self, messages: Sequence[Turn], schema: str, max_tokens: int, *, rank: Rank = Rank.AGENT) -> str:
        await self.enough.wait()
        return await super().choose(messages, schema, max_tokens)


async def test_a_task_stopped_while_it_is_planned_asks_nothing(tmp_path: Path) -> None:
    model = Thinking(json.dumps({"kind": "container.restart", "target": "web", "reason": "it hangs"}))
    office = Office(tmp_path, model)
    task = await office.tasks.submit_goal(GoalRequest(text="restart web"), ROOT)
    office.tasks.stop(task.id, ROOT)
    model.enough.set()
    task = await planned(office, task)
    assert (task.state, task.approval_id) == (TaskState.STOPPED, None)
    office.close()


async def test_what_was_being_planned_at_a_crash_is_planned_again(tmp_path: Path) -> None:
    first = Office(tmp_path)
    task_id = first.tasks._goals._open(GoalRequest(text="restart web", planner="rules"), ROOT)
    first.close()
    second = Office(tmp_path)
    await second.tasks.start()
    task = await planned(second, second.tasks.get(task_id))
    assert (task.state, task.action_title) == (TaskState.AWAITING, "restart container web")
    await second.tasks.close()
    second.close()


def test_a_node_asks_once(office: Office) -> None:
    root = office.tasks.submit_action(NOTE, "operator:ann", "cli")
    first = office.tasks.submit_action(NOTE, "agent:flow", "role", under=Under(root.id, "step"))
    again = office.tasks.submit_action(NOTE, "agent:flow", "role", under=Under(root.id, "step"))
    assert again.id == first.id
    assert len(office.tasks.list().tasks) == 2
