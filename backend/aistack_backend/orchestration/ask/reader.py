"""Reads what was chosen, each within a limit of time and lines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from aistack_backend.errors import BackendError, NotFound, Unavailable
from aistack_backend.orchestration.ask import hostfacts, logfacts, papers, queuefacts, stackfacts
from aistack_backend.orchestration.ask.models import Fact, Read, Tool
from aistack_backend.orchestration.ask.port import Ships, Sights
from aistack_backend.orchestration.routing.port import Finds
from aistack_backend.wire.stack import Service, Stack

LIMIT = 10.0
"""Seconds for one read."""
EVENTS = 15


class Reader:
    """Every read changes nothing. ``redact`` takes secrets out of whatever strangers wrote."""

    def __init__(self, sights: Sights, ships: Ships, redact: Callable[[str], str], finds: Finds) -> None:
        self._sights, self._ships, self._redact, self._finds = sights, ships, redact, finds
        self._ways: dict[Tool, Callable[[str], Awaitable[Fact]]] = {
            Tool.SERVICE: self._service,
            Tool.LOGS: self._logs,
            Tool.ERRORS: self._errors,
            Tool.EVENTS: self._events,
            Tool.MAP: self._map,
            Tool.STACK: self._stack,
            Tool.CONTAINERS: self._containers,
            Tool.TASKS: self._tasks,
            Tool.APPROVALS: self._approvals,
            Tool.RESOURCES: self._resources,
            Tool.MODEL: self._model,
            Tool.DOCTOR: self._doctor,
        }

    def names(self) -> tuple[str, ...]:
        """Return every service's id and every container's name that exists now."""
        stack = self._sights.stack()
        ids = [one.id for one in stack.services] if stack else []
        return tuple(dict.fromkeys((*ids, *(box.full_name for box in self._ships.fleet().containers))))

    async def read(self, wanted: Read) -> Fact:
        """Return what was read; a read that fails or takes too long is a fact that says so."""
        try:
            return await self.must(wanted)
        except BackendError as error:
            return Fact(lead=f"The {wanted.what} cannot be read: {error.detail} {error.hint}".strip())

    async def must(self, wanted: Read) -> Fact:
        """Return what was read.

        Raises:
            NotFound, BadInput, Unavailable: it cannot be read.
        """
        try:
            async with asyncio.timeout(LIMIT):
                found = await self._ways[wanted.tool](wanted.about)
        except TimeoutError:
            raise Unavailable(f"It took longer than {LIMIT:.0f} s.") from None
        return self._clean(found)

    def _clean(self, found: Fact) -> Fact:
        return replace(found, lead=self._redact(found.lead), lines=tuple(map(self._redact, found.lines)))

    async def documents(self, question: str, *, asked: bool) -> tuple[tuple[str, Fact], ...]:
        """Return what the documents say about ``question``: a name and a fact for each piece, the best first.

        Where nobody ``asked`` for documents: only pieces that are close in meaning, and nothing when there is none or
        they cannot be looked through.
        """
        try:
            async with asyncio.timeout(LIMIT):
                found = await self._finds.find(question, papers.PIECES)
        except (BackendError, TimeoutError) as error:
            why = f"{error.detail} {error.hint}".strip() if isinstance(error, BackendError) else "It took too long."
            return (("documents", Fact(lead=f"The documents cannot be read: {why}")),) if asked else ()
        if not asked:
            found = papers.near(found)
        told = tuple((papers.what(one), self._clean(papers.fact(one))) for one in found)
        return told or ((("documents", papers.NONE),) if asked else ())

    async def task(self, task_id: int) -> Fact:
        """Return one task in full.

        Raises:
            NotFound: there is none.
        """
        return queuefacts.task(await asyncio.to_thread(self._sights.task, task_id), when)

    async def _service(self, about: str) -> Fact:
        stack = self._sights.stack()
        if stack is None or about not in {one.id for one in stack.services}:
            return stackfacts.container(await self._ships.detail(about), when)
        return stackfacts.service(_one(await asyncio.to_thread(self._sights.check, (about,)), about), when)

    async def _logs(self, about: str) -> Fact:
        return logfacts.logs(about, await self._lines(about, logfacts.SHOWN))

    async def _errors(self, about: str) -> Fact:
        return logfacts.errors(about, await self._lines(about, logfacts.READ))

    async def _lines(self, about: str, count: int) -> list[str]:
        stack = self._sights.stack()
        container = next((one.container for one in stack.services if one.id == about), about) if stack else about
        lines: list[str] = []
        async with aclosing(self._ships.logs(container, tail=count)) as batches:
            async for batch in batches:
                lines += [line.text for line in batch.lines]
        return lines[-count:]

    async def _events(self, about: str) -> Fact:
        stack = self._sights.stack()
        name = next((one.container for one in stack.services if one.id == about), about) if stack else about
        found = await asyncio.to_thread(self._sights.events, name, EVENTS)
        return queuefacts.events(found, about, when)

    async def _map(self, about: str) -> Fact:
        return stackfacts.ties(self._known(), about)

    async def _stack(self, _: str) -> Fact:
        return stackfacts.stack(self._known())

    def _known(self) -> Stack:
        if (stack := self._sights.stack()) is None:
            raise Unavailable("the stack was not measured yet.", "Try again in a moment.")
        return stack

    async def _containers(self, _: str) -> Fact:
        return stackfacts.containers(self._ships.fleet())

    async def _tasks(self, _: str) -> Fact:
        return queuefacts.tasks(await asyncio.to_thread(self._sights.tasks), when)

    async def _approvals(self, _: str) -> Fact:
        return queuefacts.approvals(await asyncio.to_thread(self._sights.approvals), when)

    async def _resources(self, about: str) -> Fact:
        names = {box.ref: box.full_name for box in self._ships.fleet().containers}
        stack = self._sights.stack()
        name = next((one.container for one in stack.services if one.id == about), about) if stack else about
        usage = self._sights.usage()
        return hostfacts.resources(self._sights.host(), usage.rows if usage else (), names, name)

    async def _model(self, _: str) -> Fact:
        if (found := self._sights.model()) is None:
            raise Unavailable("it has not said anything yet.")
        return hostfacts.model(found)

    async def _doctor(self, _: str) -> Fact:
        return hostfacts.doctor(await self._sights.doctor())


def when(at: float) -> str:
    """Return a time of this machine in the words of a person: the day only where it is another one."""
    then, now = time.localtime(at), time.localtime()
    return time.strftime("%H:%M:%S" if then[:3] == now[:3] else "%Y-%m-%d %H:%M:%S", then)


def _one(stack: Stack, about: str) -> Service:
    for one in stack.services:
        if one.id == about:
            return one
    raise NotFound(f"The stack declares no service {about!r}.", "aistack-console stack lists them.")
