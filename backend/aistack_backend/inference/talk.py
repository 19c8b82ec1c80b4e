"""Chat sessions: what was said is kept, and what is said is answered, by the model or by what was looked up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from aistack_backend.approvals.port import Person
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict, NotFound, Unavailable
from aistack_backend.inference import prompt
from aistack_backend.inference.answering import MOST_TOKENS, Answer, Speaks, Without
from aistack_backend.inference.chats import Chats, Said
from aistack_backend.inference.lookup import Asked, Lookup
from aistack_backend.inference.models import Turn
from aistack_backend.inference.noted import Ended, Notes
from aistack_backend.inference.personas import Personas
from aistack_backend.store.database import Database
from aistack_backend.wire.chat import (
    Chunk,
    Cite,
    Finish,
    PersonaList,
    Role,
    SayRequest,
    Session,
    SessionChange,
    SessionList,
    Transcript,
)

LONGEST = 200_000
"""Characters of one message, and of one attached file."""
ATTACHED = 8
"""Things attached to one message."""
BEFORE = 2_000
"""Characters of what was said before, in which the one that is spoken of is found."""
CONTEXT = 4096
SHARE, MOST_DATA = 1.4, 20_000
"""Characters of data for each token of the context (a half of it, about), and the most of them."""
P = ParamSpec("P")
T = TypeVar("T")


class Talk:
    """See ``docs/codebase.md``. All but ``sessions``, ``transcript``, ``change``, ``delete`` and ``personas`` belong to
    one event loop; those may be called from any thread."""

    def __init__(self, model: Speaks, database: Database, clock: Clock, personas: Personas | None = None) -> None:
        self._model, self._clock = model, clock
        self._chats = Chats(database, clock)
        self._personas = personas or Personas()
        self._answers: dict[int, Answer] = {}
        self.notes: Notes | None = None
        """Writes down how answers ended; None = nobody does."""
        self.lookup: Lookup | None = None
        """Reads the stack; None until it is wired."""

    async def start(self) -> None:
        """Mark answers that a killed backend left open."""
        await _stored(self._chats.end_interrupted)

    async def stop(self) -> None:
        """End all answers."""
        for session_id in tuple(self._answers):
            await self.cancel(session_id)

    def sessions(self, search: str = "") -> SessionList:
        """Return every chat, last used first, or those that have the words; BadInput when they are far too many."""
        return self._chats.sessions(search)

    def transcript(self, session_id: int, through: int | None = None) -> Transcript:
        """Return one branch of a chat, that used last or one ``through`` a message; NotFound when there is none."""
        return self._chats.transcript(session_id, through)

    def personas(self) -> PersonaList:
        """Return every persona, the usual one first."""
        return self._personas.list()

    def change(self, session_id: int, change: SessionChange) -> Session:
        """Give a chat another title or persona; NotFound or BadInput when that cannot be."""
        persona = None if change.persona is None else self._personas.named(change.persona)
        return self._chats.change(session_id, change.title, persona)

    def delete(self, session_id: int) -> None:
        """Remove a chat.

        Raises:
            NotFound: there is none of that id.
            Conflict: an answer is being written in it. Unavailable: the store cannot be written.
        """
        if session_id in self._answers:
            raise Conflict("An answer is being written in this chat.", "Cancel it first.")
        if self.notes is not None:
            self.notes.forget(session_id)
        self._chats.delete(session_id)

    async def cancel(self, session_id: int) -> None:
        """Stop the answer of a session, or its wait, at once; what came so far is kept. No-op when there is none."""
        if answer := self._answers.get(session_id):
            answer.stop.set()

    async def say(self, request: SayRequest, person: Person | None = None) -> AsyncGenerator[Chunk, None]:
        """Say something; stream the answer. The last chunk has ``finish``, with a sentence when it is ERROR.

        Without a model the answer is what the rules look up; ``person`` is who may propose an action.

        Raises:
            BadInput: empty, far too long, or an attachment or persona that cannot be. NotFound: no such session,
            message or attachment. Conflict: this session is being answered. Unavailable: nothing can answer now, or
            the store cannot be written.
        """
        self._check(request)
        answer = Answer(self._model, self._clock)
        session = request.session_id
        if session:
            self._answers[session] = answer
        try:
            self._stand(request, answer)
            cites = await self._attachments(request)
            said = await _stored(self._chats.begin, request, cites)
            session = answer.session_id = said.session_id
            self._answers[session] = answer
            answer.message_id = await _stored(self._chats.open_answer, session, said.message_id, answer.model)
            async with aclosing(self._answer(request, said, answer, person)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._answers.pop(session, None)

    def _answer(
        self, request: SayRequest, said: Said, answer: Answer, person: Person | None
    ) -> AsyncGenerator[Chunk, None]:
        answer.attached = said.branch[-1].cites
        answer.question = said.branch[-1].text
        answer.alone = len(said.branch) == 1 and not said.persona and not answer.attached
        steps = None
        if self.lookup and (request.ask or answer.without):
            text = said.branch[-1].text
            before = " ".join(one.text for one in said.branch[:-1] if one.role is Role.USER)[-BEFORE:]
            used = sum(len(cite.text) for cite in answer.attached)
            asked = Asked(
                text=text,
                before=before,
                person=person if request.ask else None,
                first=len(answer.attached) + 1,
                room=max(self._room() - used, self._room() // 4),
                model=not answer.without,
            )
            steps = self.lookup.look(asked)
        system = self._personas.system(said.persona)

        def turns() -> tuple[Turn, ...]:
            return prompt.turns(system, said.branch, answer.read, request.ask)

        limit = min(max(request.max_tokens, 1), MOST_TOKENS)
        return answer.chunks(steps, turns, limit, self._keep)

    def _stand(self, request: SayRequest, answer: Answer) -> None:
        """Find who answers.

        Raises:
            Unavailable: nobody can.
        """
        if request.ask and self.lookup is None:
            raise Unavailable("The stack cannot be read yet: the backend is still starting.", "Try again in a moment.")
        try:
            answer.model = self._model.answering()
        except Unavailable as error:
            if self.lookup is None:
                raise
            if not request.again and not self.lookup.knows(request.text, wishes=request.ask):
                raise Unavailable(error.detail, f"{error.hint} {self.lookup.can()}".strip()) from error
            answer.without = Without(error, self.lookup.can())

    async def _attachments(self, request: SayRequest) -> tuple[Cite, ...]:
        read: list[Cite] = []
        room = self._room() // max(len(request.attach), 1)
        for number, what in enumerate(request.attach, 1):
            if what.startswith(prompt.FILE):
                read.append(prompt.file(what, number, self._clock.now(), room))
            elif self.lookup is None:
                raise Unavailable("The stack cannot be read yet: the backend is still starting.", "Try again.")
            else:
                read.append(await self.lookup.attached(what, number, room))
        return tuple(read)

    def _room(self) -> int:
        """Return how many characters of data the model's context has room for."""
        tokens = self._model.status().context_size or CONTEXT
        return min(int(tokens * SHARE), MOST_DATA)

    async def _keep(self, answer: Answer, finish: Finish) -> str:
        """Store how an answer ended; return why that could not be, or ""."""
        try:
            await _stored(
                self._chats.close_answer,
                answer.message_id,
                text=answer.text,
                finish=finish.value,
                model=answer.model,
                route=answer.route,
                task_id=answer.task_id,
                cites=answer.cites,
                tokens=answer.last.tokens,
                tokens_per_second=answer.last.tokens_per_second,
                first_token_after=answer.first,
            )
            if self.notes is not None and finish in {Finish.STOP, Finish.LENGTH}:
                await _stored(self.notes.ended, _ended(answer))
        except Unavailable as error:
            return error.detail
        return ""

    def _check(self, request: SayRequest) -> None:
        if request.again and (request.text.strip() or request.attach):
            raise BadInput("What is answered once more was said already: send no text and attach nothing.")
        if not request.again and (not request.text.strip() or len(request.text) > LONGEST):
            raise BadInput(f"A message needs 1 to {LONGEST} characters.")
        if len(request.attach) > ATTACHED or any(len(one) > LONGEST for one in request.attach):
            raise BadInput(f"At most {ATTACHED} things of {LONGEST} characters each can be attached.")
        if request.again and not request.session_id:
            raise NotFound("There is no chat 0 whose message could be answered again.")
        self._personas.named(request.persona)
        if request.session_id in self._answers:
            raise Conflict("This chat is being answered already.", "Wait, or cancel the answer.")


async def _stored(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(call, *arguments, **named)
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error)
        raise Unavailable(f"The chat cannot be stored: {why}.", "Free some disk space.", kind="store-failed") from error


def _ended(answer: Answer) -> Ended:
    by_model = bool(answer.model)
    return Ended(
        session_id=answer.session_id,
        message_id=answer.message_id,
        question=answer.question,
        answer=answer.text,
        model=answer.model,
        route=answer.route,
        seconds=answer.seconds,
        tokens_in=answer.last.prompt_tokens if by_model else None,
        tokens_out=answer.last.tokens if by_model else None,
        cites=tuple(cite.what for cite in answer.cites),
        alone=answer.alone and by_model and not answer.cites,
    )
