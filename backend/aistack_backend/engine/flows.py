"""The DBOS workflows: their names and bodies are a contract with what lies in the database (frozen by a test).

Import this only from the engine's launching thread: it imports dbos, which takes about a second.
DBOS keeps one registry a process, so the runner that serves it is set here once per launch.
"""

from __future__ import annotations

from dbos import DBOS

from aistack_backend.engine.enqueue import WORKFLOW
from aistack_backend.engine.gate import Run
from aistack_backend.engine.runner import Runner

MAX_RECOVERY = 5
"""Crashes that one execution may see before DBOS gives it up."""
_serving: list[Runner] = []


def serve(runner: Runner) -> None:
    """Let ``runner`` execute from now on."""
    _serving[:] = [runner]


@DBOS.step(name="effect", preemptible=True)
async def effect(task_id: int, approval_id: int, revision: int) -> str:
    """Gate, act, record: at least once by DBOS, at most once by the ledger."""
    return await _serving[0].execute(Run(task_id, approval_id, revision))


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_RECOVERY)
async def execute(task_id: int, approval_id: int, revision: int) -> str:
    """Execute one approval; returns the final state of its effect, or ``refused``."""
    return await effect(task_id, approval_id, revision)
