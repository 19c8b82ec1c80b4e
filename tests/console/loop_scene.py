"""A loop in its third pass, a workflow with what it started, and a task that needs its person."""

from __future__ import annotations

from typing import Any

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.events import Topic
from aistack_backend.wire.loops import AgentKind, Gauge, Loop, LoopPass, LoopRequest, PassState
from aistack_backend.wire.tasks import Task, TaskList, TaskState

COMMON: dict[str, Any] = {"requester": "operator:me", "via": "tui", "updated_at": NOW - 5}
TASK = Task(
    id=51,
    goal="make the tests of sums pass",
    state=TaskState.RUNNING,
    created_at=NOW - 200,
    approval_id=7,
    action_title="loop in a sandbox: make the tests of sums pass",
    **COMMON,
)
TASKS = TaskList(
    tasks=(
        Task(id=54, goal="stop cache", state=TaskState.AWAITING, created_at=NOW - 30, parent_id=52, **COMMON),
        Task(id=53, goal="restart web", state=TaskState.DONE, created_at=NOW - 50, parent_id=52, **COMMON),
        Task(id=52, goal="workflow deploy", state=TaskState.PAUSED, created_at=NOW - 90, **COMMON),
        TASK,
        Task(id=50, goal="restart db", state=TaskState.QUEUED, created_at=NOW - 300, **COMMON),
    )
)
FAILED = """F.
======================================================================
FAIL: test_largest (tests.test_sums.Sums.test_largest)
----------------------------------------------------------------------
AssertionError: 3 != 9

FAILED (failures=1)"""


def passes() -> tuple[LoopPass, ...]:
    """Three passes: blocked, not proven, and the one that works."""
    return (
        LoopPass(
            number=1,
            state=PassState.BLOCKED,
            began_at=NOW - 190,
            ended_at=NOW - 150,
            agent_code=2,
            agent_output="no single change makes fewer tests fail",
        ),
        LoopPass(
            number=2,
            state=PassState.REFUTED,
            began_at=NOW - 148,
            ended_at=NOW - 60,
            agent_code=0,
            agent_output="sums.py line 5: result = 1  ->  result = 0\nfailing tests: 2 before, 1 after",
            changed="1 file changed, 1 insertion(+), 1 deletion(-)",
            restored=("tests",),
            proof_code=1,
            proof_output=FAILED,
        ),
        LoopPass(
            number=3,
            state=PassState.WORKING,
            began_at=NOW - 20,
            guidance="look at largest",
            agent_output="reading sums.py",
        ),
    )


def loop(shown: int = 3) -> Loop:
    """The loop with its first ``shown`` passes."""
    return Loop(
        task=TASK,
        request=LoopRequest(
            goal=TASK.goal,
            source="/home/me/sums",
            proof="python3 -m unittest -q",
            checks=("tests",),
            agent=AgentKind.RULES,
        ),
        folder="/d/workspaces/51",
        passes=passes()[:shown],
        gauges=(
            Gauge(name="passes", used=2, limit=10),
            Gauge(name="seconds", used=200, limit=3600),
            Gauge(name="unchanged", used=2, limit=3, evidence="the folder is at 2bc1a34fd2 since 2 passes"),
            Gauge(name="same error", used=1, limit=5),
        ),
    )


def looping(one: Stage) -> None:
    """The normal world, with these tasks."""
    scenes.normal(one)
    one.topics[Topic.TASKS] = TASKS
    one.answers["GET /v1/loops/51"] = loop(3)
