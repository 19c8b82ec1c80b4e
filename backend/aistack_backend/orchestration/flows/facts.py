"""What the read steps of workflows read: what is measured here, as text and as a few named values. Nothing changes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from aistack_backend.containers.service import Containers
from aistack_backend.errors import BadInput, NotFound, Refused, Unavailable
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.flows import patches
from aistack_backend.orchestration.flows.functions import text_of, words_of
from aistack_backend.orchestration.flows.questions import Questions
from aistack_backend.orchestration.flows.rows import Ended
from aistack_backend.wire.boot import Plan
from aistack_backend.wire.flows import StepState
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.stack import RungState, Service, ServiceState, Stack
from aistack_backend.wire.storage import BackupList

Values = Mapping[str, Any]
WELL = frozenset({ServiceState.OK, ServiceState.DEGRADED})
ROLE = "role"
"""How a run came that was asked for on a role's port or socket, by nobody whom the kernel names."""
MOST_LINES, MOST_SECONDS = 500, 900
ERROR = re.compile(r"\b(error|fatal|panic|traceback|exception|critical)\b", re.IGNORECASE)


class Sights(Protocol):
    """What is measured here, as far as the read steps need it. All of them block."""

    def check(self, services: tuple[str, ...]) -> Stack:
        """Climb the ladders of these services now (none = all)."""
        ...

    def plan(self, goal: str) -> Plan:
        """Return what an up would do now."""
        ...

    def host(self) -> HostSample | None:
        """Return the newest sample of the machine."""
        ...

    def backups(self) -> BackupList:
        """Return the backups on disk."""
        ...


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Reads by name. ``redact`` takes secrets out of log lines: they may be shown to a model."""

    sights: Sights
    containers: Containers
    agent: Agent
    questions: Questions
    redact: Callable[[str], str]

    async def read(self, what: str, values: Values, via: str) -> Ended:
        """Read one of ``asks.READS`` for a run that came ``via`` a person's client or a role.

        Raises:
            NotFound, BadInput, Unavailable: it cannot be read; one sentence.
            Refused: a role asks for the log of a container that is not the stack's own.
        """
        if what == "logs" and via == ROLE:
            await asyncio.to_thread(self._own, text_of(values["container"]))
        reads: dict[str, Callable[[Values], Awaitable[Ended]]] = {
            "stack": self._stack,
            "service": self._service,
            "logs": self._logs,
            "host": self._host,
            "plan": self._plan,
            "backups": self._backups,
            "diff": self._diff,
            "lookup": self._lookup,
            "proposal": self._proposal,
        }
        return await reads[what](values)

    def _own(self, ref: str) -> None:
        found = self.containers.resolve(ref)
        if not found.managed:
            why = f"{found.name} is not one of this stack's own containers: a role may not read its log."
            raise Refused(why, "Run it on the machine: aistack-console workflow run")

    async def _stack(self, values: Values) -> Ended:
        wanted = values.get("services", [])
        names = tuple(wanted if isinstance(wanted, list) else text_of(wanted).replace(",", " ").split())
        looked = await self._climbed(tuple(_plain(one) for one in names), values)
        bad = [one.id for one in looked if one.state not in WELL]
        text = "\n".join(f"{one.id}: {one.state.value}. {one.why}".rstrip(". ") for one in looked)
        return done(text or "The stack declares no service.", well=not bad, bad=bad)

    async def _service(self, values: Values) -> Ended:
        (one,) = await self._climbed((_plain(text_of(values["service"])),), values)
        return done(
            _told(one),
            well=one.state in WELL,
            service_state=one.state.value,
            container=one.container,
            provision=one.provision.value,
            root_cause=one.root_cause,
            next_step=next((rung.next_step for rung in one.rungs if rung.next_step), ""),
        )

    async def _climbed(self, names: tuple[str, ...], values: Values) -> list[Service]:
        """Climb the ladders of these services (none = all), again and again until all are well or ``within`` is over.

        Raises:
            NotFound: the stack declares no such service.
        """
        left = _whole(values, "within", 0, 0, MOST_SECONDS)
        while True:
            stack = await asyncio.to_thread(self.sights.check, names)
            looked = [one for one in stack.services if not names or one.id in names]
            if missing := sorted(set(names) - {one.id for one in looked}):
                raise NotFound(f"The stack declares no service {missing[0]!r}.", "aistack-console stack lists them.")
            if left <= 0 or all(one.state in WELL for one in looked):
                return looked
            left -= 1
            await asyncio.sleep(1.0)

    async def _logs(self, values: Values) -> Ended:
        count = _whole(values, "lines", 60, 1, MOST_LINES)
        lines: list[str] = []
        async with aclosing(self.containers.logs(text_of(values["container"]), tail=count)) as batches:
            async for batch in batches:
                lines += [self.redact(line.text) for line in batch.lines]
        return done("\n".join(lines[-count:]), errors=sum(bool(ERROR.search(line)) for line in lines))

    async def _host(self, _: Values) -> Ended:
        sample = await asyncio.to_thread(self.sights.host)
        if sample is None:
            raise Unavailable("This machine was not measured yet.", "Try again in a moment.")
        return done("\n".join(_machine(sample)))

    async def _plan(self, values: Values) -> Ended:
        plan = await asyncio.to_thread(self.sights.plan, words_of(values.get("goal", "")))
        steps = [f"{one.kind.value} {one.object} {one.name}" for one in plan.steps]
        problems = list(plan.problems)
        text = "\n".join([*steps, *(f"problem: {one}" for one in problems)]) or "There is nothing to do."
        creates = [one.name for one in plan.steps if one.object == "service" and one.kind.value == "create"]
        return done(text, problems=problems, creates=creates)

    async def _backups(self, _: Values) -> Ended:
        found = (await asyncio.to_thread(self.sights.backups)).backups
        lines = [
            f"{one.id}: {', '.join(one.services) or 'no service'}; {one.verified or 'never verified'}" for one in found
        ]
        return done("\n".join(lines) or "There is no backup.", latest=found[0].id if found else "", count=len(found))

    async def _diff(self, values: Values) -> Ended:
        found = patches.review(text_of(values["patch"]))
        return done(
            found.text(),
            files=list(found.files),
            added=found.added,
            removed=found.removed,
            findings=list(found.findings),
        )

    async def _lookup(self, values: Values) -> Ended:
        return await self.questions.look_up(text_of(values["question"]))

    async def _proposal(self, values: Values) -> Ended:
        found = await self.agent.propose(text_of(values["goal"]), text_of(values.get("planner", "auto")))
        text = f"{found.kind} {found.target or found.script}".strip()
        return done(text, action=found.kind, target=found.target, script=found.script, planner=found.planner)


def done(text: str, **values: Any) -> Ended:
    """Return what was read."""
    return Ended(state=StepState.DONE, result={"text": text, **values})


def _plain(name: str) -> str:
    return name.removeprefix("local-ai-")


def _whole(values: Values, name: str, usual: int, least: int, most: int) -> int:
    found = values.get(name, usual)
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= most:
        raise BadInput(f"{name} is {found!r:.40}; a whole number from {least} to {most} is right.")
    return found


def _told(one: Service) -> str:
    lines = [f"{one.id} is {one.state.value}. {one.why}".rstrip()]
    shown = (RungState.PASS, RungState.FAIL, RungState.WAIT, RungState.UNKNOWN)
    lines += [f"{rung.name.value}: {rung.state.value}. {rung.evidence}" for rung in one.rungs if rung.state in shown]
    lines += [f"its cause: {one.root_cause}"] if one.root_cause else []
    lines += [f"changed before: {one.changed}"] if one.changed else []
    return "\n".join(lines)


def _machine(sample: HostSample) -> list[str]:
    lines = [f"{sample.hostname}: {sample.cores} cores"]
    if sample.cpu_percent is not None:
        lines.append(f"processor {sample.cpu_percent:.0f} %")
    if sample.memory_used is not None and sample.memory_total:
        lines.append(f"memory {sample.memory_used / 2**30:.1f} of {sample.memory_total / 2**30:.1f} GiB used")
    lines += [f"disk {one.label} {one.used / 2**30:.1f} of {one.total / 2**30:.1f} GiB used" for one in sample.disks]
    return lines
