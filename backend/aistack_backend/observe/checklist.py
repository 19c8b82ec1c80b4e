"""The note's criteria as live ticks: kept, run again all at once, each within its time, published as they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.containers.port import Podman
from aistack_backend.observe.criteria import CRITERIA, Criterion, measure
from aistack_backend.observe.ground import Found, Ground
from aistack_backend.wire.checklist import Checklist, Tick, TickState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Stack

MEASURING = 60.0
"""Seconds for the whole stack's ladder, before the ticks."""
LIMIT = 30.0
"""Seconds for one tick."""


class Checker:
    """The one place where the ticks change. For the event loop; the checks themselves run in threads."""

    def __init__(
        self,
        check: Callable[[], Stack],
        podman: Podman,
        bus: Bus,
        clock: Clock,
        criteria: Sequence[Criterion] = CRITERIA,
        make: Callable[[Stack, Podman], Ground] = Ground,
    ) -> None:
        """``check`` climbs the whole ladder now, blocks, and returns the stack."""
        self._check = check
        self._podman = podman
        self._bus = bus
        self._clock = clock
        self._criteria = tuple(criteria)
        self._make = make
        self._run: asyncio.Task[Checklist] | None = None
        self._list = Checklist(at=None, ticks=tuple(_unrun(one) for one in self._criteria))

    def now(self) -> Checklist:
        """Return the ticks as they were last found."""
        return self._list

    async def run(self) -> Checklist:
        """Run every tick now and return what was found; who comes while it runs waits for the same run."""
        if self._run is None or self._run.done():
            self._run = asyncio.create_task(self._all())
        return await asyncio.shield(self._run)

    async def _all(self) -> Checklist:
        mine = {one.id for one in self._criteria if one.ask is not None}
        self._put(*(replace(one, state=TickState.RUNNING) for one in self._list.ticks if one.id in mine))
        try:
            stack = await asyncio.wait_for(asyncio.to_thread(self._check), MEASURING)
            fault = stack.source.detail if stack.source.state is SourceState.FAILED else ""
        except TimeoutError:
            fault = f"The stack could not be measured within {MEASURING:.0f} s."
        except Exception as error:  # the reason is the tick's; nothing may stay RUNNING
            fault = f"The stack could not be measured: {error}"
        if fault:
            self._put(*(self._found(one, (TickState.UNKNOWN, fault)) for one in self._criteria if one.ask))
        else:
            ground = self._make(stack, self._podman)
            await asyncio.gather(*(self._one(one, ground) for one in self._criteria if one.ask))
        self._list = replace(self._list, at=self._clock.now())
        self._bus.publish(Topic.CHECKLIST, self._list)
        return self._list

    async def _one(self, criterion: Criterion, ground: Ground) -> None:
        try:
            found = await asyncio.wait_for(asyncio.to_thread(measure, criterion, ground), LIMIT)
        except TimeoutError:
            found = (TickState.UNKNOWN, f"No answer within {LIMIT:.0f} s.")
        except Exception as error:
            found = (TickState.UNKNOWN, f"The check broke: {type(error).__name__}: {error}")
        self._put(self._found(criterion, found))

    def _found(self, criterion: Criterion, found: Found) -> Tick:
        state, detail = found
        return replace(_unrun(criterion), state=state, detail=detail, at=self._clock.now())

    def _put(self, *ticks: Tick) -> None:
        new = {one.id: one for one in ticks}
        self._list = replace(self._list, ticks=tuple(new.get(one.id, one) for one in self._list.ticks))
        self._bus.publish(Topic.CHECKLIST, self._list)


def _unrun(one: Criterion) -> Tick:
    state = TickState.LATER if one.later else TickState.NOT_RUN
    return Tick(id=one.id, phase=one.phase, text=one.text, state=state, detail=one.later or one.elsewhere)
