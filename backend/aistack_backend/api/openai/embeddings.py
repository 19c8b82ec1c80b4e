"""``POST /v1/embeddings``: texts into vectors, in OpenAI's form; nothing of them is kept."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.openai import errors
from aistack_backend.api.openai.answers import ANY
from aistack_backend.api.openai.asked import EmbedAsked
from aistack_backend.api.openai.errors import Endpoint, NoSuchModel, Wrong
from aistack_backend.api.openai.reading import read, telling
from aistack_backend.api.openai.streaming import present
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Embeddings


class Embeds(Protocol):
    """What turns texts into vectors: the backend, or a role's own container."""

    async def embedder(self) -> str:
        """Return the name of the model.

        Raises:
            Unavailable: there is none, or it cannot now.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return one vector of length one for each text.

        Raises:
            BadInput: a text is empty or too long. Unavailable: it cannot now.
        """
        ...


GetEmbeds = Callable[[Request], Embeds]
"""Finds it for a request; raises Unavailable while there is none."""


def embeddings(embeds: GetEmbeds) -> Endpoint:
    """Return the endpoint over what ``embeds`` finds."""

    async def made(request: Request) -> Response:
        asked, ignored = read(await request.body(), EmbedAsked)
        texts, held = texts_of(asked), embeds(request)
        name = await held.embedder()
        if asked.model not in (*ANY, name):
            raise NoSuchModel(f"The model {asked.model[:200]!r} makes no vectors here: {name} does.")
        try:
            found = await present(request, held.embed(texts))
        except BadInput as error:
            raise Wrong("input", error.detail, error.hint, kind=error.type) from error
        if asked.dimensions not in (None, found.dimensions):
            said = f"{name} makes vectors of {found.dimensions} numbers, not of {asked.dimensions}."
            raise Wrong("dimensions", said, "Leave it out.")
        return telling(Json(answer(found, name, asked.encoding_format == "base64")), ignored)

    return errors.told(made)


def vector_models(embeds: GetEmbeds) -> Endpoint:
    """Return the endpoint that lists the one model, or none."""

    async def listed(request: Request) -> Response:
        try:
            names = [await embeds(request).embedder()]
        except Unavailable:
            names = []
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "this machine"} for name in names]
        return Json({"object": "list", "data": rows})

    return errors.told(listed)


def texts_of(asked: EmbedAsked) -> tuple[str, ...]:
    """Return the texts of a request.

    Raises:
        Wrong: they are tokens, or there is none.
    """
    texts = (asked.input,) if isinstance(asked.input, str) else tuple(asked.input)
    if not texts:
        raise Wrong("input", "input is empty.", "Send a text, or a list of texts.")
    whole = [one for one in texts if isinstance(one, str)]
    if len(whole) < len(texts):
        why = "input is a list of tokens, and nobody but the model knows its tokens."
        raise Wrong("input", why, "Send the text itself, or a list of texts.")
    return tuple(whole)


def answer(found: Embeddings, name: str, packed: bool) -> dict[str, Any]:
    """Return the vectors in OpenAI's form, ``packed`` as base64 of little-endian 32-bit floats."""
    rows = [
        {"object": "embedding", "index": at, "embedding": _packed(one) if packed else one}
        for at, one in enumerate(found.vectors)
    ]
    usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    return {"object": "list", "data": rows, "model": name, "usage": usage}


def _packed(vector: tuple[float, ...]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode()
