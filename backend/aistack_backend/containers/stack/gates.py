"""When a service counts as ready: our own ladder says so, not Podman's word that it was started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aistack_backend.containers.aside import look
from aistack_backend.containers.ladder.port import Climb
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.wire.boot import Stage
from aistack_backend.wire.stack import Rung, RungName, RungState

FIRST_LOOK, LONGEST_PAUSE = 0.1, 1.0
"""Least and most seconds between two looks at a service that is not ready."""
LATE = 0.15
"""The pause between two looks is this share of the time so far: ready is seen at most so much later than it is."""
LEAST, TIMES = 60.0, 4.0
"""A service has at least a minute, and four times what is expected of it."""
STAGES = {RungName.LISTENING: Stage.LISTENING, RungName.HEALTHY: Stage.HEALTHY}
CHECKED = (RungName.LISTENING, RungName.HEALTHY, RungName.READY)
SETTLED = 1.0
HOLDS = frozenset({RungState.PASS, RungState.NONE})


class NotReady(Exception):
    """The service did not get ready; the text is the evidence."""


def limit(service: ServiceDecl, expected: float | None) -> float:
    """Return how many seconds a service has to get ready."""
    hoped = max(expected or 0.0, service.extra.ready_seconds or 0.0)
    start = service.health.start_period if service.health else 0.0
    return max(LEAST, TIMES * hoped, start + TIMES * hoped)


class Pace:
    """Looks at something that is not there yet: often at first, then once a second, until its time is over."""

    def __init__(self, seconds: float) -> None:
        self._clock = asyncio.get_running_loop().time
        self._seconds = seconds
        self._began = self._clock()

    @property
    def lasted(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._began

    async def again(self, why: str) -> None:
        """Wait for the next look.

        Raises:
            NotReady: the time is over; ``why`` is the evidence.
        """
        pause = min(LONGEST_PAUSE, max(FIRST_LOOK, self.lasted * LATE))
        if self.lasted + pause > self._seconds:
            raise NotReady(f"It was not ready within {self._seconds:.0f} s: {why}")
        await asyncio.sleep(pause)


async def ready(
    climb: Climb,
    service: ServiceDecl,
    seconds: float,
    reached: Callable[[Stage], None],
    say: Callable[[str], None],
) -> None:
    """Wait until every rung up to READY holds; ``reached`` is told each stage, ``say`` what is waited for.

    A service that declares nothing to check must at least still run after ``SETTLED`` seconds.

    Raises:
        NotReady: it ended, or did not get ready within ``seconds``.
    """
    pace = Pace(seconds)
    while True:
        rungs = {rung.name: rung for rung in await look(lambda: climb.climb(service, upto=RungName.READY))}
        for name, stage in STAGES.items():
            if rungs[name].state is RungState.PASS:
                reached(stage)
        low = lowest(rungs)
        if low is None and (pace.lasted >= SETTLED or any(rungs[name].state is RungState.PASS for name in CHECKED)):
            return
        if low and low.name in (RungName.PRESENT, RungName.RUNNING) and low.state is RungState.FAIL:
            raise NotReady(low.evidence or "It does not run.")
        why = low.evidence or f"{low.name.value}: not yet" if low else "It runs; nothing of it can be checked."
        say(why)
        await pace.again(why)


async def completed(podman: Podman, service: ServiceDecl, seconds: float) -> None:
    """Wait until a service that is to run once has ended well.

    Raises:
        NotReady: it ended badly, or not within ``seconds``. BackendError: Podman cannot tell.
    """
    pace = Pace(seconds)
    while True:
        found = (await look(lambda: podman.inspect(service.container))).container
        if found.state not in RUNS and found.started_at is not None:
            if found.exit_code == 0:
                return
            raise NotReady(f"It ended with exit code {found.exit_code}.")
        await pace.again("it has not ended yet")


def lowest(rungs: dict[RungName, Rung]) -> Rung | None:
    """Return the lowest rung up to READY that does not hold; None = it is ready."""
    for name in (RungName.PRESENT, RungName.RUNNING, RungName.LISTENING, RungName.HEALTHY, RungName.READY):
        if rungs[name].state not in HOLDS:
            return rungs[name]
    return None
