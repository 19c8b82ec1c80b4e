"""How a container ended: on request, by itself, by a signal, or by the kernel for want of memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import closing

from aistack_backend.audit.redact import shortened
from aistack_backend.clock import Clock
from aistack_backend.containers.detail import exit_reason
from aistack_backend.containers.ladder.facts import Ending
from aistack_backend.containers.ladder.kernel import KernelLog
from aistack_backend.containers.models import Event, Inspected
from aistack_backend.containers.parse import when
from aistack_backend.containers.port import Podman
from aistack_backend.containers.secrets import scrub_text
from aistack_backend.errors import BackendError

SETTLES = 5.0
"""Seconds after an end in which Podman may still write events of it."""
KEPT = 200
"""Endings remembered, so that a stopped container costs one inspect a climb and no more."""
SIGKILLED = 137
LINE = 160
"""Longest piece of a log line in a sentence."""


class Endings:
    """Finds out how containers ended; remembers it once Podman has written all there is."""

    def __init__(self, podman: Podman, clock: Clock, kernel: KernelLog) -> None:
        self._podman = podman
        self._clock = clock
        self._kernel = kernel
        self._known: OrderedDict[tuple[str, str], Ending] = OrderedDict()

    def of(self, found: Inspected) -> Ending | None:
        """Return how the newest run ended; None when it never ran.

        Raises:
            PodmanDown: Podman went away meanwhile.
        """
        finished = when(found.finished)
        if finished is None:
            return None
        key = (found.container.id, found.finished)
        if (known := self._known.get(key)) is not None:
            return known
        ending = self._ask(found, finished)
        if self._clock.now() - finished > SETTLES:
            self._known[key] = ending
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return ending

    def _ask(self, found: Inspected, finished: float) -> Ending:
        container, started = found.container, when(found.started)
        requested, killed = requests(self._podman.past_events(container.id, finished - 1))
        requested = requested or (_by_user(found) and not killed)
        code = container.exit_code or 0
        oom: bool | None = found.oom_killed
        if not oom and code == SIGKILLED and not requested and not killed:
            oom = self._kernel.memory_kill(container.id, started or finished - 60)
        return Ending(
            at=finished,
            code=code,
            ran=finished - started if started is not None and started <= finished else None,
            requested=requested,
            killed=killed,
            out_of_memory=oom,
            last_line="" if requested else self._last_line(container.id),
        )

    def _last_line(self, container: str) -> str:
        try:
            with closing(self._podman.logs(container, tail=5, since=None, follow=False)) as feed:
                lines = [line.text.strip() for block in feed for line in block]
        except BackendError:
            return ""
        text = next((line for line in reversed(lines) if line), "")
        return shortened(scrub_text(text), LINE)


def _by_user(found: Inspected) -> bool:
    """Tell what Podman 5 remembers, of a stop and of a kill alike; 4.3 does not. Its events (5.4) tell of no stop."""
    return (found.document.get("State") or {}).get("StoppedByUser") is True


def requests(events: Sequence[Event]) -> tuple[bool, bool]:
    """Tell from the events around a container's last end whether a stop was asked for, and whether a signal.

    Podman 4.3 mostly tells no ``stop`` (measured: 1 of 8). But it cleans up twice then, once for the request and
    once when the process is gone, and once only after any other end (48 of 48).
    """
    died = max((at for at, event in enumerate(events) if event.action == "died"), default=None)
    if died is None:
        return any(event.action == "stop" for event in events), False
    after = [event.action for event in events[died + 1 :]]
    begun = max((at for at, event in enumerate(events[:died]) if event.action == "start"), default=-1)
    before = [event.action for event in events[begun + 1 : died]]
    stopped = "stop" in (*before, *after) or after.count("cleanup") > 1
    return stopped, not stopped and "kill" in before


def sentence(ending: Ending, limit: int | None = None) -> str:
    """Say how it ended; ``limit`` is the container's memory limit in bytes."""
    at = "" if ending.at is None else time.strftime(" at %H:%M:%S", time.localtime(ending.at))
    if ending.requested:
        return f"It was stopped{at} (exit code {ending.code})."
    ran = "" if ending.ran is None else f", {_span(ending.ran)} after its start"
    if ending.out_of_memory:
        most = "" if not limit else f" ({limit / (1 << 20):.0f} MiB)"
        how = f"The kernel killed it at its memory limit{most}{at}{ran}."
    elif ending.killed:
        how = f"It was killed on request{at} (exit code {ending.code}{ran})."
    elif ending.code == SIGKILLED:
        not_memory = "" if ending.out_of_memory is None else ", and not by the kernel for memory"
        how = f"It was killed by signal 9{at}{ran}, not through Podman{not_memory}."
    else:
        how = f"It {exit_reason(ending.code)} (exit code {ending.code}){at}{ran}."
    return f"{how} Its last line: {ending.last_line}" if ending.last_line else how


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
