"""Runs one approved action from gate to outcome, and finds out what became of an interrupted one.

Everything here is plain asyncio on the engine's own loop. DBOS only makes sure that ``execute`` is called again
after a crash; what may happen then is decided by the ledger alone.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from aistack_backend import tracing
from aistack_backend.approvals.action import Action
from aistack_backend.engine import endings
from aistack_backend.engine.endings import Ending
from aistack_backend.engine.gate import Fenced, Gate, Run, Start, Verdict
from aistack_backend.engine.tools import Fate, Nature, Outcome, Pausable, Paused, Registry, Tool
from aistack_backend.errors import BackendError, Conflict, Unavailable
from aistack_backend.wire.tasks import TaskState

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between attempts to write while the database or the witness refuses; the last one repeats."""
GOING_ON = 60.0
"""Seconds between two marks of an effect that goes on: well below the gate's ``RERUN_WITHIN``."""
LOOK_AGAIN = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at an interrupted effect while its probe cannot tell: it may still be going on outside."""
STOPPED = "The backend was stopped."
PAUSED = "paused"
"""What ``execute`` returns for a run that stopped in between."""


class Runner:
    """Executes runs; any number at once. Its methods but ``stop`` belong to the engine's loop."""

    def __init__(
        self,
        gate: Gate,
        registry: Registry,
        changed: Callable[[int], None],
        look_again: Sequence[float] = LOOK_AGAIN,
        firm: Callable[[], bool] = lambda: True,
    ) -> None:
        """``firm`` says right before each act whether this process still owns its name."""
        self._firm = firm
        self._gate = gate
        self._look_again = look_again
        self._registry = registry
        self._changed = changed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._acting: dict[int, asyncio.Task[Outcome]] = {}
        self._stops: dict[int, str] = {}
        self._pauses: dict[int, str] = {}
        self._pausable: dict[int, Callable[[], None]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._closing = False
        self._active = 0

    @property
    def active(self) -> int:
        """How many runs are under way."""
        return self._active

    @property
    def acting(self) -> tuple[int, ...]:
        """The tasks whose effects are under way."""
        return tuple(self._acting)

    def close(self) -> None:
        """Let nothing new begin; what runs goes on."""
        self._closing = True

    def stop(self, task_id: int, why: str) -> None:
        """Stop what this task runs now, or is about to run; safe from any thread. ``why`` is a sentence."""
        self._stops[task_id] = why
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._cancel, task_id)

    def pause(self, task_id: int, why: str) -> None:
        """Have what this task runs now, or is about to run, stop in between; safe from any thread. Only for a kind
        that can pause. ``why`` is a sentence."""
        self._pauses[task_id] = why
        if ask := self._pausable.get(task_id):
            ask()

    def stop_all(self) -> None:
        """Pause what can be paused and stop everything else, because the backend stops; safe from any thread."""
        for task_id in tuple(self._acting):
            if task_id in self._pausable:
                self.pause(task_id, f"{STOPPED} Resume it when you want it to go on.")
            else:
                self.stop(task_id, STOPPED)

    async def execute(self, run: Run) -> str:
        """Take one run to a final state and return that state's word; never acts without the gate's GO.

        Raises:
            asyncio.CancelledError: cancelled from outside; the effect was stopped and that is written.
        """
        self._loop = asyncio.get_running_loop()
        if self._closing:
            await self._loop.create_future()  # stays pending in DBOS: the next engine takes it
        self._active += 1
        try:
            async with self._turns.setdefault(run.key, asyncio.Lock()):  # the ledger cannot tell two lives of one run
                return await self._traced(run)
        except Fenced:
            return await self._left(run)
        except Exception as error:
            log.exception("run %s broke", run.key)
            return await self._end(run, None, endings.unsure(f"the engine broke: {type(error).__name__}: {error}"))
        finally:
            self._active -= 1
            self._turns.pop(run.key, None)
            self._stops.pop(run.task_id, None)
            self._pauses.pop(run.task_id, None)
            self._tell(run)

    async def _left(self, run: Run) -> str:
        """Wait for the end of this process: the run stays pending in DBOS, and is no longer ours."""
        log.error("run %s is left to whoever has it now", run.key)
        nobody: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await nobody

    async def _traced(self, run: Run) -> str:
        parent = await self._firmly(lambda: self._gate.trace(run)) if tracing.on() else None
        if parent is None:
            return await self._take(run)
        with tracing.span("engine.run", parent, task=run.task_id, approval=run.approval_id) as made:
            word = await self._take(run)
            made.set_attribute("effect", word)
            return word

    async def _take(self, run: Run) -> str:
        start = await self._begin(run)
        self._tell(run)
        if start.verdict is Verdict.OVER:
            return start.entry.state if start.entry else "refused"
        if start.verdict is Verdict.UNWITNESSED:
            return await self._end(run, start.action, endings.never(TaskState.FAILED, f"Nothing ran: {start.why}"))
        tool = self._registry.tool(start.action.kind) if start.action else None
        if start.action is None or tool is None:
            return await self._end(run, start.action, endings.unsure("its stored action or its tool is gone"))
        if start.verdict is Verdict.INTERRUPTED:
            return await self._recover(run, start, start.action, tool)
        return await self._act(run, start.action, tool)

    async def _begin(self, run: Run) -> Start:
        beginning = asyncio.get_running_loop().run_in_executor(None, self._gate.begin, run)
        try:
            return await asyncio.shield(beginning)
        except Unavailable as error:
            why = f"Nothing ran: {error.detail}"
            return await self._written(lambda: self._gate.abandon(run, why))
        except asyncio.CancelledError:
            await _finished(beginning)
            if beginning.exception() is None and beginning.result().verdict in (Verdict.GO, Verdict.UNWITNESSED):
                await self._end(run, None, endings.never(TaskState.STOPPED, f"It did not run. {STOPPED}"))
            raise

    async def _act(self, run: Run, action: Action, tool: Tool) -> str:
        if why := self._stops.get(run.task_id):
            return await self._end(run, action, endings.never(TaskState.STOPPED, f"It did not run. {why}"))
        if isinstance(tool, Pausable):
            self._pausable[run.task_id] = functools.partial(tool.pause, run.key)
            if run.task_id in self._pauses:
                tool.pause(run.key)
        if not self._firm():
            raise Fenced
        acting = asyncio.ensure_future(_run(tool, run.key, action))
        self._acting[run.task_id] = acting
        try:
            while not (await asyncio.wait({acting}, timeout=GOING_ON))[0]:
                await self._mark(run)
        except Fenced:
            acting.cancel()
            await _finished(acting)
            raise
        except asyncio.CancelledError:
            acting.cancel()
            await _finished(acting)
            await self._conclude(run, action, tool, acting, STOPPED)
            raise
        finally:
            self._acting.pop(run.task_id, None)
            self._pausable.pop(run.task_id, None)
        return await self._conclude(run, action, tool, acting, "It was cancelled.")

    async def _conclude(
        self, run: Run, action: Action, tool: Tool, acting: asyncio.Task[Outcome], otherwise: str
    ) -> str:
        if acting.cancelled():
            fate, outcome = await self._probe(run, action, tool)
            why = self._stops.get(run.task_id, otherwise)
            ending = endings.late(why, outcome) if fate is Fate.DONE else endings.stopped(why)
            return await self._end(run, action, ending)
        if isinstance(error := acting.exception(), Paused):
            return await self._pause(run, action)
        if error is not None:
            return await self._doubt(run, action, tool, error)
        return await self._end(run, action, endings.told(acting.result()))

    async def _pause(self, run: Run, action: Action) -> str:
        if why := self._stops.get(run.task_id):
            return await self._end(run, action, endings.stopped(why))
        why = self._pauses.get(run.task_id, STOPPED)
        await self._written(lambda: self._gate.pause(run, action, why))
        return PAUSED

    async def _mark(self, run: Run) -> None:
        try:
            await self._firmly(lambda: self._gate.going_on(run))
        except Unavailable as error:
            log.warning("cannot mark that %s goes on: %s", run.key, error.detail)

    async def _recover(self, run: Run, start: Start, action: Action, tool: Tool) -> str:
        stop = self._stops.get(run.task_id) or (start.entry.outcome if start.entry else "")
        if start.pausing:
            self._pauses.setdefault(run.task_id, start.pausing)
        if tool.nature(action) is not Nature.EFFECT and not (stop or start.why):
            await self._note(run, action, "interrupted; running it again changes nothing more")
            return await self._act(run, action, tool)
        fate, outcome = await self._find_out(run, action, tool)
        if fate is Fate.DONE:
            return await self._end(run, action, endings.found(outcome))
        if fate is Fate.UNKNOWN:
            return await self._end(run, action, endings.unsure("the backend died while it ran"))
        if why := stop or start.why or await self._firmly(lambda: self._gate.recheck(action)):
            return await self._end(run, action, endings.never(TaskState.STOPPED, f"It did not run. {why}"))
        await self._note(run, action, "interrupted; the probe proved that it had not run")
        return await self._act(run, action, tool)

    async def _doubt(self, run: Run, action: Action, tool: Tool, error: BaseException) -> str:
        """End a run whose tool raised: only a probe can tell what it did."""
        said = error.detail if isinstance(error, BackendError) else f"{type(error).__name__}: {error}"
        log.warning("effect %s raised: %s", run.key, said)
        if tool.nature(action) is not Nature.EFFECT:
            return await self._end(run, action, endings.failed(said))
        fate, outcome = await self._find_out(run, action, tool)
        if fate is Fate.DONE:
            return await self._end(run, action, endings.found(outcome))
        ending = endings.failed(said) if fate is Fate.NOT_DONE else endings.unsure(said)
        return await self._end(run, action, ending)

    async def _find_out(self, run: Run, action: Action, tool: Tool) -> tuple[Fate, Outcome | None]:
        """Probe until it can be told, or patience ends."""
        for wait in (*self._look_again, None):
            fate, outcome = await self._probe(run, action, tool)
            if fate is not Fate.UNKNOWN or wait is None:
                break
            await asyncio.sleep(wait)
        return fate, outcome

    async def _probe(self, run: Run, action: Action, tool: Tool) -> tuple[Fate, Outcome | None]:
        try:
            return await self._firmly(lambda: tool.probe(run.key, action))
        except Exception as error:
            log.warning("the probe of effect %s failed: %s", run.key, error)
            return Fate.UNKNOWN, None

    async def _note(self, run: Run, action: Action, reason: str) -> None:
        await self._written(lambda: self._gate.note(run, action, reason))

    async def _end(self, run: Run, action: Action | None, ending: Ending) -> str:
        try:
            await self._written(lambda: self._gate.end(run, action, ending))
        except Conflict as error:
            log.error("%s", error.detail)
        return ending.effect

    async def _written(self, call: Callable[[], T]) -> T:
        """Run a writing call to its end, again and again while the database or the audit cannot take it."""
        for attempt in itertools.count():
            try:
                return await self._firmly(call)
            except Unavailable as error:
                wait = RETRY[min(attempt, len(RETRY) - 1)]
                log.error("cannot write, next try in %s s: %s", wait, error.detail)
            await asyncio.sleep(wait)
        raise AssertionError("count() ended")

    async def _firmly(self, call: Callable[[], T]) -> T:
        """Run a blocking call in a thread, to its end even when this coroutine is cancelled meanwhile."""
        future = asyncio.get_running_loop().run_in_executor(None, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await _finished(future)
            raise

    def _tell(self, run: Run) -> None:
        asyncio.get_running_loop().run_in_executor(None, self._changed, run.task_id)

    def _cancel(self, task_id: int) -> None:
        if acting := self._acting.get(task_id):
            acting.cancel()


async def _run(tool: Tool, key: str, action: Action) -> Outcome:
    with tracing.step(f"tool {action.kind}") as made:
        outcome = await tool.run(key, action)
        if not outcome.ok:
            tracing.failed(made, "exhausted" if outcome.exhausted else "not ok")
        return outcome


async def _finished(future: asyncio.Future[T]) -> None:
    """Wait until ``future`` is done, whatever is thrown at us meanwhile."""
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError:
            continue
