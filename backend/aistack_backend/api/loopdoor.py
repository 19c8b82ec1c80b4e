"""The socket by which the agent of one loop reaches its model: two routes, one answer at a time, within a budget."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from aistack_backend.api import problems
from aistack_backend.api.heads import HOSTS
from aistack_backend.api.lines import Json
from aistack_backend.api.roles import model
from aistack_backend.api.roles.door import Door, RoleGuard
from aistack_backend.api.roles.folder import listen_in
from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.inference.remote import RemoteModel
from aistack_backend.orchestration.loop.meter import Meter, Spent
from aistack_backend.orchestration.loop.model import SOCKET
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.loops import LoopRequest
from aistack_backend.wire.models import ModelStatus

if TYPE_CHECKING:
    from aistack_backend.inference.models import Piece, Turn

CONNECTIONS = 16
"""Connections of one agent at once; one more is told 503."""
T = TypeVar("T")


class Answers(Protocol):
    """A model that answers whole conversations, within a schema where one is given."""

    def status(self) -> ModelStatus:
        """Return where it stands."""
        ...

    def answer(
        self, turns: Sequence[Turn], max_tokens: int, temperature: float, schema: str = ""
    ) -> AsyncGenerator[Piece, None]:
        """Stream one answer; closing the iterator cancels."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(model.Wanted):
    """What is read of a request here; ``n``, ``tools`` and ``functions`` are refused, not overlooked."""

    response_format: dict[str, Any] | None = None
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None


class NothingLeft(BackendError):
    """The agent has used up what its loop may have."""

    type, status, title = "budget-used-up", 429, "Nothing left"


class LoopDoors:
    """Opens the sockets of loops on one event loop; its methods are called from other threads."""

    def __init__(
        self, inference: Callable[[], Answers], loop: asyncio.AbstractEventLoop, now: Callable[[], float]
    ) -> None:
        self._inference = inference
        self._loop = loop
        self._now = now

    def loaded(self) -> str:
        """See ``Models``."""
        held = self._inference()
        model.loaded(held)
        return held.status().model

    @contextmanager
    def open(self, folder: Path, request: LoopRequest, meter: Meter) -> Iterator[None]:
        """See ``Models``."""
        remote = RemoteModel(request.endpoint, request.model, request.key_file) if request.endpoint else None
        held = (lambda: remote) if remote else self._inference
        with listen_in(folder, SOCKET) as bound:
            door = Door(site(Serving(held, request.model, meter, self._now)), bound, CONNECTIONS)
            try:
                self._run(door.open())
                yield
            finally:
                with suppress(RuntimeError):  # the loop has ended: nothing is served any more
                    self._run(door.close())
                (folder / SOCKET).unlink(missing_ok=True)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def site(serving: Serving) -> ASGIApp:
    """Return the whole of what an agent can ask: two routes; anything else is 404 or 405."""
    models = Route("/v1/models", serving.models, methods=["GET"])
    assert models.methods is not None  # noqa: S101  just given
    models.methods.discard("HEAD")
    app = Starlette(routes=[models, Route("/v1/chat/completions", serving.completions, methods=["POST"])])
    app.router.redirect_slashes = False
    app.state.hints = {404: "GET /v1/models and POST /v1/chat/completions are all there is."}
    problems.install(app)
    return RoleGuard(app, HOSTS)


class Serving:
    """One model to one agent."""

    def __init__(self, inference: Callable[[], Answers], name: str, meter: Meter, now: Callable[[], float]) -> None:
        self._inference = inference
        self._name = name
        self._meter = meter
        self._now = now
        self._turn = asyncio.Lock()

    async def models(self, _: Request) -> Response:
        """Answer with the one model."""
        return Json({"object": "list", "data": [{"id": self._name, "object": "model", "created": 0}]})

    async def completions(self, request: Request) -> Response:
        """Answer with one chat completion, whole or as a stream."""
        wanted = read(await request.body())
        turns, schema = model.turns(wanted.messages), schema_of(wanted)
        held = self._held()
        self._left()
        limit, temperature = model.limit_of(wanted), min(max(wanted.temperature, 0.0), 2.0)
        pieces = model.apart(self._pieces(held, turns, limit, temperature, schema))
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(self._now()), "model": self._name}
        if wanted.stream:
            return StreamingResponse(model.events(pieces, head), media_type="text/event-stream")
        return Json(await model.whole(pieces, head))

    async def _pieces(
        self, held: Answers, turns: Sequence[Turn], limit: int, temperature: float, schema: str
    ) -> AsyncGenerator[Piece, None]:
        """Stream the answer and count it, also one that is broken off; a prompt that takes more than is left ends it.

        Raises:
            NothingLeft: another answer used up the rest while this one waited for its turn.
        """
        async with self._turn:
            left, last = self._left(), None
            try:
                async with aclosing(held.answer(turns, min(limit, left), temperature, schema)) as pieces:
                    async for last in pieces:
                        if last.finish is None and last.prompt_tokens + last.tokens > left:
                            yield replace(last, finish=Finish.LENGTH)
                            break
                        yield last
            finally:
                if last is not None:
                    self._meter.add(last.prompt_tokens, last.tokens)

    def _held(self) -> Answers:
        held = self._inference()
        model.loaded(held)
        if (found := held.status().model) != self._name:
            raise Unavailable(f"The model {found} is loaded; this loop was approved for {self._name}.")
        return held

    def _left(self) -> int:
        try:
            return self._meter.left()
        except Spent as error:
            raise NothingLeft(str(error)) from error


def read(body: bytes) -> Wanted:
    """Return the request.

    Raises:
        BadInput: it is no JSON of that form, or wants what is not served.
    """
    try:
        wanted = msgspec.json.decode(body, type=Wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"The body is no chat completion request: {error}.") from error
    if wanted.tools or wanted.functions or wanted.n not in (None, 1):
        raise BadInput("tools, functions and n above 1 are not served here.", "Ask for JSON by response_format.")
    return wanted


def schema_of(wanted: Wanted) -> str:
    """Return the JSON schema that the answer must satisfy; "" for free text.

    Raises:
        BadInput: the format is neither text nor a schema.
    """
    form = wanted.response_format or {"type": "text"}
    if form.get("type") == "text":
        return ""
    held = form.get("json_schema")
    if form.get("type") != "json_schema" or not isinstance(held, dict) or "schema" not in held:
        raise BadInput("response_format is neither text nor a json_schema with its schema.", "Give the schema.")
    return json.dumps(held["schema"])
