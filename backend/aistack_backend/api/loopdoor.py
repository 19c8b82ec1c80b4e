"""The socket by which the agent of one loop reaches its model: two routes, one answer at a time, within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from opentelemetry.context import Context, get_current
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from aistack_backend import tracing
from aistack_backend.api.heads import HOSTS
from aistack_backend.api.lines import Json
from aistack_backend.api.openai import errors
from aistack_backend.api.openai.answers import Answers, loaded
from aistack_backend.api.openai.chat import chat
from aistack_backend.api.openai.routes import CHAT, MODELS
from aistack_backend.api.roles.door import Door, RoleGuard
from aistack_backend.api.roles.folder import listen_in
from aistack_backend.errors import BackendError, Refused, Unavailable
from aistack_backend.inference.models import Piece, Rank, Turn
from aistack_backend.inference.remote import RemoteModel
from aistack_backend.orchestration.loop.meter import Meter, Spent
from aistack_backend.orchestration.loop.model import SOCKET
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.loops import LoopRequest
from aistack_backend.wire.models import ModelStatus

CONNECTIONS = 16
"""Connections of one agent at once; one more is told 503."""
T = TypeVar("T")


class NothingLeft(BackendError):
    """The agent has used up what its loop may have."""

    type, status, title = "budget-used-up", 429, "Nothing left"


class LoopDoors:
    """Opens the sockets of loops on one event loop; its methods are called from other threads."""

    def __init__(
        self,
        inference: Callable[[], Answers],
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        way: WayOut | None = None,
    ) -> None:
        """``way`` holds back what would leave this machine; None = there is no lock here."""
        self._inference = inference
        self._way = way
        self._loop = loop
        self._now = now

    def loaded(self) -> str:
        """See ``Models``."""
        held = self._inference()
        loaded(held)
        return held.status().model

    @contextmanager
    def open(self, folder: Path, request: LoopRequest, meter: Meter) -> Iterator[None]:
        """See ``Models``."""
        held: Callable[[], Answers] = self._inference
        if request.endpoint:
            remote = RemoteModel(request.endpoint, request.model, request.key_file)
            host = urlsplit(request.endpoint).hostname or ""
            elsewhere = Elsewhere(remote, host, self._way) if self._way else remote
            held = lambda: elsewhere  # noqa: E731
        with listen_in(folder, SOCKET) as bound:
            metered = Metered(held, request.model, meter, get_current())
            door = Door(site(metered, self._now), bound, CONNECTIONS)
            try:
                self._run(door.open())
                yield
            finally:
                with suppress(RuntimeError):  # the loop has ended: nothing is served any more
                    self._run(door.close())
                (folder / SOCKET).unlink(missing_ok=True)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Elsewhere:
    """A model behind an endpoint that is asked only while the way out is open; closing that cuts an answer off."""

    def __init__(self, remote: RemoteModel, host: str, way: WayOut) -> None:
        self._remote, self._host, self._way = remote, host, way

    def status(self) -> ModelStatus:
        """See ``Answers``."""
        return self._remote.status()

    async def answer(
        self,
        turns: Sequence[Turn],
        max_tokens: int,
        temperature: float,
        schema: str = "",
        *,
        rank: Rank = Rank.AGENT,
        prompt: str = "",
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[Piece, None]:
        """Stream the answer, all of which the endpoint sends at once.

        Raises:
            Unavailable: nothing may leave this machine now. Else see ``RemoteModel``.
        """
        answer = self._remote.answer(turns, max_tokens, temperature, schema, rank=rank, prompt=prompt, stop=stop)

        async def whole() -> list[Piece]:
            async with aclosing(answer) as pieces:
                return [one async for one in pieces]

        try:
            found = await self._way.sent(self._host, whole())
        except Refused as error:
            raise Unavailable(error.detail) from error
        for piece in found:
            yield piece


def site(metered: Metered, now: Callable[[], float]) -> ASGIApp:
    """Return the whole of what an agent can ask: two routes; anything else is 404 or 405."""

    async def listed(_: Request) -> Response:
        return Json({"object": "list", "data": [{"id": metered.name, "object": "model", "created": 0}]})

    models = Route(MODELS, listed, methods=["GET"])
    assert models.methods is not None  # noqa: S101  just given
    models.methods.discard("HEAD")
    answers = chat(lambda _: metered, now, lambda held, _: metered.approved())
    app = Starlette(routes=[models, Route(CHAT, answers, methods=["POST"])])
    app.router.redirect_slashes = False
    app.state.hints = {404: f"GET {MODELS} and POST {CHAT} are all there is."}
    errors.install(app)
    return RoleGuard(app, HOSTS)


class Metered:
    """One model to one agent, one answer at a time, within what its loop may have."""

    def __init__(
        self, inference: Callable[[], Answers], name: str, meter: Meter, context: Context | None = None
    ) -> None:
        """``context``: of the loop's trace; an agent's own headers name none."""
        self.name = name
        self._context = context
        self._inference = inference
        self._meter = meter
        self._turn = asyncio.Lock()

    def status(self) -> ModelStatus:
        """See ``Answers``."""
        return self._inference().status()

    def approved(self) -> str:
        """Return the model's name: who answers is the approved one, whatever was asked for.

        Raises:
            Unavailable: another model, or none, is loaded.
        """
        held = self._inference()
        loaded(held)
        if (found := held.status().model) != self.name:
            raise Unavailable(f"The model {found} is loaded; this loop was approved for {self.name}.")
        return self.name

    async def answer(
        self,
        turns: Sequence[Turn],
        max_tokens: int,
        temperature: float,
        schema: str = "",
        *,
        rank: Rank = Rank.AGENT,
        prompt: str = "",
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[Piece, None]:
        """Stream the answer and count it, also one that is broken off; a prompt that takes more than is left ends it.

        Raises:
            NothingLeft: the loop has used up its tokens, also while this answer waited for its turn.
        """
        async with self._turn:
            left, last = self._left(), None
            made = tracing.part("model.answer", self._context, model=self.name)
            answer = self._inference().answer(
                turns, min(max_tokens, left), temperature, schema, rank=rank, prompt=prompt, stop=stop
            )
            try:
                async with aclosing(answer) as pieces:
                    async for last in pieces:
                        if last.finish is None and last.prompt_tokens + last.tokens > left:
                            yield replace(last, finish=Finish.LENGTH)
                            break
                        yield last
            finally:
                if last is not None:
                    made.set_attributes({"tokens in": last.prompt_tokens, "tokens out": last.tokens})
                made.end()
                if last is not None:
                    self._meter.add(last.prompt_tokens, last.tokens)

    def _left(self) -> int:
        try:
            return self._meter.left()
        except Spent as error:
            raise NothingLeft(str(error)) from error
