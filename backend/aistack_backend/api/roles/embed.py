"""The embeddings service: a queue that joins what waits, ``/embed``, ``/info``, OpenAI's form, and its numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psutil
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from aistack_backend.api import problems
from aistack_backend.api.lines import Json
from aistack_backend.api.openai import routes
from aistack_backend.api.openai.embeddings import Embeds
from aistack_backend.api.openai.errors import LEFT
from aistack_backend.api.openai.streaming import present
from aistack_backend.api.roles.asked import body_of, read
from aistack_backend.api.roles.embed_numbers import EmbedNumbers
from aistack_backend.api.roles.site import Endpoint
from aistack_backend.api.roles.vector_queue import QueueFull, VectorQueue
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.inference.models import Embeddings

MOST = 2_048
"""Texts of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedWish:
    """The body of ``POST /embed``; whatever else is in it is ignored."""

    inputs: str | tuple[str, ...]
    """One text, or a list of them."""
    normalize: bool = True
    truncate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What ``GET /info`` says of the model that makes vectors."""

    model: str
    dimensions: int
    max_sequence_length: int | None
    """Tokens that one text may have; None = the engine does not say."""


class EmbedService:
    """One queue and what answers from it, for the backend and for the role's container alike.

    ``known`` returns what was told of the model before anybody asked here; ``worker`` the bytes of a process beside
    this one that holds the model. Either is None while it is not known.
    """

    def __init__(
        self,
        embeds: Callable[[], Embeds],
        clock: Clock,
        *,
        known: Callable[[], Embeddings | None] = lambda: None,
        worker: Callable[[], int | None] = lambda: None,
        queue: VectorQueue | None = None,
    ) -> None:
        self._embeds, self._known, self._worker = embeds, known, worker
        self.queue = queue or VectorQueue(self._make, clock)
        self.numbers = EmbedNumbers()
        self.queue.on_batch = self.numbers.batch

    async def embedder(self) -> str:
        """Return the name of the model; raises Unavailable when there is none."""
        return await self._embeds().embedder()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``VectorQueue.embed``."""
        await self.embedder()  # when there is none, it is said before anybody waits
        return await self.queue.embed(texts)

    def endpoints(self) -> Mapping[str, Endpoint]:
        """Return what answers each route; ``/metrics`` adds these numbers to the role's."""
        every: dict[str, Endpoint] = {"/embed": _told(self._vectors), "/info": self._info}
        every |= routes.of_vectors(lambda _: self)
        for path in ("/embed", routes.EMBEDDINGS):
            every[path] = self._counted(path, every[path])
        return {**every, "/metrics": self._metrics}

    async def _make(self, texts: Sequence[str]) -> Embeddings:
        return await self._embeds().embed(texts)

    async def _vectors(self, request: Request) -> Response:
        wish: EmbedWish = read(await body_of(request), EmbedWish)
        if wish.truncate or not wish.normalize:
            hint = "Leave truncate and normalize out: nothing is cut, and every vector has length one."
            raise BadInput("Only whole texts and vectors of length one are made.", hint)
        texts = (wish.inputs,) if isinstance(wish.inputs, str) else wish.inputs
        if len(texts) > MOST:
            raise BadInput(f"inputs has {len(texts)} texts; {MOST} at most are taken at once.")
        return Json((await present(request, self.embed(texts))).vectors)

    async def _info(self, _: Request) -> Response:
        name = await self.embedder()
        if (told := self.queue.last or self._known()) is None:
            told = await self.embed(["hello"])
        return Json(Info(model=name, dimensions=told.dimensions, max_sequence_length=told.window))

    async def _metrics(self, _: Request) -> Response:
        told = self.queue.last or self._known()
        memory = {"service": psutil.Process().memory_info().rss, "model worker": self._worker()}
        return Response(self.numbers.text(self.queue.depth, told.loaded_in if told else None, memory))

    def _counted(self, path: str, endpoint: Endpoint) -> Endpoint:
        async def counted(request: Request) -> Response:
            began = time.monotonic()
            answer = await endpoint(request)
            self.numbers.answered(path, answer.status_code, time.monotonic() - began)
            return answer

        return counted


def _told(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its errors as answers, so that they can be counted; a full queue says when to return."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ClientDisconnect:
            return Response(status_code=LEFT)
        except BackendError as error:
            head = {"retry-after": str(error.again)} if isinstance(error, QueueFull) else None
            return problems.answer(problems.problem_of(error), head)

    return answered
