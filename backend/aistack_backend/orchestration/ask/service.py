"""Ask the stack: a question in, facts out, numbered; a plain request goes before the gate like any other."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from aistack_backend.approvals.port import Person
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.inference.lookup import Asked, Found
from aistack_backend.orchestration.ask import chooser, wish, words
from aistack_backend.orchestration.ask.models import Fact, Read, Tool
from aistack_backend.orchestration.ask.port import Propose, Submit
from aistack_backend.orchestration.ask.reader import Reader
from aistack_backend.orchestration.port import Choose
from aistack_backend.wire.actions import GoalRequest
from aistack_backend.wire.chat import Cite
from aistack_backend.wire.tasks import Task, TaskState

SHOWN = 8
"""Lines of a fact that a plain answer repeats."""
LEAST = 500
"""Characters that each fact may have, however many there are."""
CAN = (
    "Without a model I can look up: is NAME up, why is NAME unhealthy, the last errors or logs of NAME, what needs "
    "NAME, what waits for approval, which tasks run, what uses the memory, what happened, what the doctor says, "
    "what the documents say about something. `restart NAME` is put before you for approval."
)
_PAPERS = Read(tool=Tool.DOCUMENTS)
_ATTACHED = re.compile(r"(service|logs|task) (\S{1,200})")


@dataclass(frozen=True, kw_only=True)
class AskTheStack:
    """The chat's ``Lookup``. Proposals come from the person's message alone, never from anything that was read."""

    reader: Reader
    agent: Propose
    tasks: Submit
    model: Choose | None = None
    now: Callable[[], float] = time.time

    def can(self) -> str:
        """See ``Lookup``."""
        return CAN

    def knows(self, text: str, wishes: bool) -> bool:
        """See ``Lookup``."""
        return (wishes and wish.asks(text)) or bool(words.choose(text, self.reader.names()))

    async def look(self, asked: Asked) -> AsyncGenerator[Found, None]:
        """See ``Lookup``."""
        if asked.person is not None and wish.asks(asked.text):
            yield await self._propose(asked.text.strip(), asked.person)
            return
        names = self.reader.names()
        wanted = list(words.choose(asked.text, names, asked.before))
        number, done = asked.first, set[Read]()
        if not wanted or _PAPERS in wanted:
            async for found in self._documents(asked, wanted):
                number += found.cite is not None
                yield found
            wanted = [one for one in wanted if one != _PAPERS]
        if not wanted and number == asked.first and asked.model and self.model is not None:
            yield Found(looking="what to read")
            wanted = list(await chooser.choose(asked.text, names, self.model))
        while wanted and len(done) < words.MOST:
            read = wanted.pop(0)
            if read in done:
                continue
            done.add(read)
            yield Found(looking=read.what)
            fact = await self.reader.read(read)
            wanted += [more for more in fact.follow if self._follows(read, more, asked.text)]
            room = max(asked.room // min(len(done) + len(wanted), words.MOST), LEAST)
            yield Found(cite=self._cite(number, read.what, fact, room), says=_said(fact, number))
            number += 1

    async def _documents(self, asked: Asked, wanted: Sequence[Read]) -> AsyncGenerator[Found, None]:
        """Look through the documents: always where they are asked for, else for what is close to the question."""
        yield Found(looking="documents")
        told = await self.reader.documents(asked.text, asked=_PAPERS in wanted)
        room = max(asked.room // max(len(told) + len(wanted), 1), LEAST)
        for number, (what, fact) in enumerate(told, asked.first):
            yield Found(cite=self._cite(number, what, fact, room), says=_said(fact, number))

    @staticmethod
    def _follows(read: Read, more: Read, question: str) -> bool:
        return read.tool is not Tool.STACK or "why" in question.lower()

    async def attached(self, what: str, number: int, room: int) -> Cite:
        """See ``Lookup``."""
        found = _ATTACHED.fullmatch(what)
        if found is None:
            raise BadInput(f"{what!r:.60} cannot be attached.", "Use: service NAME, logs NAME, task ID, file NAME.")
        kind, name = found.groups()
        if kind == "task":
            if not name.isascii() or not name.isdigit() or len(name) > 18:
                raise BadInput(f"{name!r:.40} is no number of a task.", "Use: task ID.")
            return self._cite(number, f"task {name}", await self.reader.task(int(name)), room)
        read = Read(tool=Tool.SERVICE if kind == "service" else Tool.LOGS, about=self._named(name))
        return self._cite(number, read.what, await self.reader.must(read), room)

    def _named(self, name: str) -> str:
        known = words.mentioned(name, self.reader.names())
        return known[0] if known else name

    def _cite(self, number: int, what: str, fact: Fact, room: int) -> Cite:
        return Cite(number=number, what=what, at=fact.at or self.now(), text=fact.text(room))

    async def _propose(self, text: str, person: Person) -> Found:
        """Ask for what the message says, if the rules can read it; a person decides in any case."""
        try:
            await self.agent.propose(text, "rules")
            request = GoalRequest(text=text, planner="rules", require_approval=True)
            task = await self.tasks.submit_goal(request, person)
        except BackendError as error:
            return Found(says=f"I asked for nothing: {error.detail} {error.hint}".strip(), final=True)
        return Found(says=_asked(task), task_id=task.id, final=True)


def _asked(task: Task) -> str:
    title = task.action_title or task.goal
    if task.state is TaskState.AWAITING:
        waits = f"as {task.approval_id}" if task.approval_id else "there"
        return f"I asked for this: {title}. It waits for your decision in Approvals {waits}; nothing has run."
    return f"I asked for this: {title}. Task {task.id} is {task.state.value}. {task.reason}".rstrip()


def _said(fact: Fact, number: int) -> str:
    """Return a fact in plain words: its lead, and its first (of a log: last) lines as an indented block."""
    lines: Sequence[str] = fact.text(1_500).split("\n")[1:]
    shown = lines[-SHOWN:] if fact.newest_last else lines[:SHOWN]
    block = "".join(f"\n    {line}" for line in shown)
    return f"{fact.told} [{number}]" + (f"\n{block}" if block else "")
