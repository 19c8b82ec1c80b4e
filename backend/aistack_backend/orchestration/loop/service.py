"""The loops as a person meets them: asked for, looked at, guided, and their result taken."""

from __future__ import annotations

from dataclasses import replace

from aistack_backend.approvals.port import Person
from aistack_backend.containers.workspace.checkpoints import BRANCH, Checkpoints
from aistack_backend.engine import taskrow
from aistack_backend.engine.port import Journal
from aistack_backend.errors import BadInput, Conflict, NotFound
from aistack_backend.orchestration.loop import asked, breaker, prepare
from aistack_backend.orchestration.loop.home import Home
from aistack_backend.orchestration.loop.rows import Rows, found, left, wire
from aistack_backend.orchestration.loop.tool import LoopTool
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import ActionRequest, Approval
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.loops import GuideRequest, Loop, LoopAsk, LoopList, LoopRequest, ModelUse, PassState, Patch
from aistack_backend.wire.tasks import Task

LONGEST = 2_000
"""Characters of guidance."""


class Loops:
    """Every method blocks on SQL, git or Podman: call them from a thread."""

    def __init__(self, database: Database, rows: Rows, tool: LoopTool, tasks: Tasks, audit: Journal) -> None:
        self._database = database
        self._rows = rows
        self._tool = tool
        self._tasks = tasks
        self._audit = audit

    def preview(self, ask: LoopAsk, person: Person) -> Approval:
        """Return what would be asked of the gate; nothing is stored.

        Raises:
            NotFound, BadInput, Unavailable: it cannot be prepared.
        """
        return self._tasks.preview(_wish(ask), person)

    def submit(self, ask: LoopAsk, person: Person) -> Task:
        """Ask for a loop; see ``Tasks.submit_action``.

        Raises:
            NotFound, BadInput, Unavailable, Conflict: see there.
        """
        return self._tasks.submit_action(_wish(ask), person.actor, person.via, person=person)

    def propose(self, loop: LoopRequest, actor: str, via: str) -> Task:
        """Ask for a loop as somebody who is no person: nothing is confirmed by it.

        Raises:
            NotFound, BadInput, Unavailable, Conflict: see ``submit``.
        """
        return self._tasks.submit_action(_wish(LoopAsk(loop=loop)), actor, via)

    def list(self) -> LoopList:
        """Return the loops that have begun, newest first, without outputs."""
        return LoopList(loops=tuple(self._loop(row["task_id"], outputs=False) for row in self._rows.newest()))

    def get(self, task_id: int) -> Loop:
        """Return one loop with its passes' outputs; what works now tells what it has said so far.

        Raises:
            NotFound: there is no such loop, or it has not begun.
        """
        return self._loop(task_id, outputs=True)

    def patch(self, task_id: int, number: int | None = None) -> Patch:
        """Return what the loop changed since its copy was made, or what one pass changed.

        Raises:
            NotFound: there is no such loop or pass. Unavailable: git fails.
        """
        row = found(self._rows.loop(task_id), task_id)
        points = [(0, row["base"])] + [(p["number"], p["commit"]) for p in self._rows.passes(task_id) if p["commit"]]
        last = len(points) - 1
        if number is not None:
            at = [index for index, (one, _) in enumerate(points) if one == number and index > 0]
            if not at:
                raise NotFound(f"Loop {task_id} has no pass {number} that left anything.")
            last = at[0]
        first = 0 if number is None else last - 1
        git = Home(self._tool.home(task_id).root).git
        if not git.exists():
            raise NotFound(f"The folder of loop {task_id} was removed, and its patch with it.")
        branch = f"{git} {BRANCH.removeprefix('refs/heads/')}"
        return Patch(text=Checkpoints(git).patch(points[first][1], points[last][1]), branch=branch)

    def guide(self, task_id: int, request: GuideRequest, person: Person) -> Loop:
        """Keep what a person says for the next pass; with ``now`` the running one is ended for it.

        Raises:
            NotFound: there is no such loop. Conflict: it has ended. BadInput: there is no text, or too much.
        """
        text = request.text.strip()
        if not text or len(text) > LONGEST:
            raise BadInput(f"Guidance has 1 to {LONGEST} characters.")
        found(self._rows.loop(task_id), task_id)
        with self._database.tx() as connection:
            state = taskrow.read(connection, task_id)["state"]
            if state in taskrow.FINAL:
                raise Conflict(f"Loop {task_id} is {state} already.")
            self._rows.guide(connection, task_id, text, person.actor)
            self._audit.append(
                connection,
                phase=Phase.NOTE,
                actor=person.actor,
                via=person.via,
                kind="loop.guide",
                object=f"task {task_id}",
                task_id=task_id,
                detail={"text": text, "now": request.now},
            )
        self._audit.seal()
        if request.now:
            self._tool.guide(task_id)
        return self.get(task_id)

    def _loop(self, task_id: int, *, outputs: bool) -> Loop:
        row = found(self._rows.loop(task_id), task_id)
        rows, request = self._rows.passes(task_id), asked.read(row["request"])
        uses = self._rows.uses(task_id)
        passes = [wire(one, uses.get(one["number"], ModelUse()), outputs=outputs) for one in rows]
        if outputs and passes and passes[-1].state is PassState.WORKING:
            passes[-1] = replace(passes[-1], agent_output=self._tool.said(task_id))
        return Loop(
            task=self._tasks.get(task_id),
            request=request,
            folder=row["folder"] if self._tool.home(task_id).root.exists() else "",
            passes=tuple(passes),
            gauges=breaker.all_gauges(row["base_tree"], left(rows), self._rows.seconds(row), request, uses.values()),
            waiting=self._rows.waiting(task_id),
        )


def _wish(ask: LoopAsk) -> ActionRequest:
    script = asked.canonical(ask.loop)
    return ActionRequest(
        kind=prepare.KIND,
        target=ask.loop.source,
        script=script,
        reason=ask.loop.goal,
        confirmed_hash=ask.confirmed_hash,
        code=ask.code,
        typed_name=ask.typed_name,
    )
