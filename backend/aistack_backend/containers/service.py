"""The containers as the rest of the backend meets them."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from aistack_backend.bus import Publish
from aistack_backend.clock import Clock
from aistack_backend.containers import detail
from aistack_backend.containers.follow import LogReader
from aistack_backend.containers.port import Podman
from aistack_backend.containers.watcher import Watcher
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.wire.containers import Container, ContainerDetail, Fleet, LogBatch
from aistack_backend.wire.sources import SourceState

PREFIXES = ("local-ai-",)
"""What the stack's container names begin with, and a person may leave out."""
HEX = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True, slots=True)
class Side:
    """The Podman of one machine; ``url`` is how a person's ``podman --url`` would reach it, empty = it is this one."""

    podman: Podman
    url: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The arguments that lead the podman command there."""
        return ("--url", self.url) if self.url else ()


class Containers:
    """Watches Podman and answers questions about its containers."""

    def __init__(self, podman: Podman, bus: Publish, clock: Clock) -> None:
        self._podman = podman
        self._clock = clock
        self.watcher = Watcher(podman, bus, clock)

    def start(self) -> None:
        """Begin to watch; returns at once."""
        self.watcher.start()

    def stop(self) -> None:
        """End the watcher and let Podman go."""
        self.watcher.stop()
        self._podman.close()

    def nudge(self, ref: str = "") -> None:
        """Look again at a container, by its ``ref``, or at all, now (see ``Watcher.nudge``)."""
        self.watcher.nudge(ref)

    def side(self, host: str = "") -> Side:
        """Return the Podman of a machine ("" = this one).

        Raises:
            NotFound: no machine of that name is configured.
        """
        if host:
            raise NotFound(f"There is no host {host!r} in the configuration.", "Name it in a section [hosts.NAME].")
        return Side(self._podman)

    def fleet(self) -> Fleet:
        """Return the newest measured list and the state of its source; never blocks."""
        return self.watcher.fleet

    def _own(self) -> Fleet:
        # Never ``fleet``: that of several machines has rows of the others, and a plain name must not find one.
        return self.watcher.fleet

    async def detail(self, ref: str) -> ContainerDetail:
        """Return one container in full, measured now, secrets masked.

        Raises:
            NotFound, BadInput: see ``resolve``. PodmanDown: Podman does not answer.
        """
        found = await asyncio.to_thread(lambda: self._podman.inspect(self.resolve(ref).id))
        return await asyncio.to_thread(detail.detail, found, self._clock.now())

    def resolve(self, ref: str) -> Container:
        """Return the container that a person means: by full id, name, name without ``local-ai-``, or the unique
        beginning (4 digits or more) of an id. Blocks for one list when the newest is not current.

        Raises:
            NotFound: none; the hint names the nearest.
            BadInput: the beginning fits several; they are named.
            PodmanDown: the list cannot be had.
        """
        fleet = self._own()
        if fleet.at is not None and fleet.source.state is SourceState.OK:
            try:
                return pick(ref, fleet.containers)
            except NotFound:
                pass  # it may be younger than the newest list
        return pick(ref, self._podman.list())

    async def logs(
        self, ref: str, *, tail: int = 100, since: float | None = None, follow: bool = False
    ) -> AsyncGenerator[LogBatch, None]:
        """Yield log lines, oldest first, in batches of at most 500 lines or 50 ms.

        With ``follow`` it goes on over the container's stops (marked by ``ended``) and next starts until the
        reader leaves or the container is removed. ``dropped`` counts the lines that a slow reader lost.

        Raises:
            NotFound, BadInput, PodmanDown: there is no such log, or Podman went away.
        """
        container = await asyncio.to_thread(self.resolve, ref)
        reader = LogReader(self._podman, self._own, container.id)
        async with aclosing(reader.follow(tail, since) if follow else reader.once(tail, since)) as batches:
            async for batch in batches:
                yield batch


def pick(ref: str, containers: Iterable[Container]) -> Container:
    """Choose by reference; see ``Containers.resolve``."""
    rows = list(containers)
    names = {row.name: row for row in rows}
    for row in rows:
        if row.id == ref:
            return row
    for name in (ref, *(prefix + ref for prefix in PREFIXES)):
        if name in names:
            return names[name]
    matches = [row for row in rows if row.id.startswith(ref)] if HEX.fullmatch(ref) else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = ", ".join(sorted(f"{row.name} ({row.id[:12]})" for row in matches)[:5])
        raise BadInput(f"{ref} is the beginning of {len(matches)} container ids: {several}.", "Give more digits.")
    raise NotFound(f"There is no container {ref!r}.", _nearest(ref, names))


def _nearest(ref: str, names: Iterable[str]) -> str:
    known = sorted(names)
    short = {name.removeprefix(prefix): name for name in known for prefix in PREFIXES} | {name: name for name in known}
    near = dict.fromkeys(short[word] for word in difflib.get_close_matches(ref, short, n=3, cutoff=0.5))
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(known[:10])}." if known else "There are no containers."
