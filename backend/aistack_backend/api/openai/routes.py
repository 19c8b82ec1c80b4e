"""The routes of OpenAI's API, and what answers them. This is where one more is added."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aistack_backend.api.openai.answers import GetModel
from aistack_backend.api.openai.asked import ChatAsked, EmbedAsked, TextAsked
from aistack_backend.api.openai.chat import chat
from aistack_backend.api.openai.completions import completions
from aistack_backend.api.openai.embeddings import GetEmbeds, embeddings, vector_models
from aistack_backend.api.openai.errors import Endpoint
from aistack_backend.api.openai.models import models, one_model

EMBEDDINGS = "/v1/embeddings"
CHAT, COMPLETIONS, MODELS, MODEL = "/v1/chat/completions", "/v1/completions", "/v1/models", "/v1/models/{model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A route of the operator's socket that takes a body, as it is described there."""

    path: str
    asked: type
    """The body."""
    about: str
    streams: bool = True
    """Its answer may come as events."""


POSTED = (
    Posted(path=CHAT, asked=ChatAsked, about="An answer of the loaded model, in OpenAI's form; nothing is kept."),
    Posted(path=COMPLETIONS, asked=TextAsked, about="A text gone on with by the loaded model, in OpenAI's form."),
    Posted(path=EMBEDDINGS, asked=EmbedAsked, about="Texts as vectors of length one, in OpenAI's form.", streams=False),
)
"""What the operator's socket answers itself (``socket.py``); each path has its endpoint below."""


def endpoints(model: GetModel, now: Callable[[], float]) -> Mapping[str, Endpoint]:
    """Return what answers each route over the model that ``model`` finds for a request."""
    return {
        MODELS: models(model),
        MODEL: one_model(model),
        CHAT: chat(model, now),
        COMPLETIONS: completions(model, now),
    }


def of_vectors(embeds: GetEmbeds) -> Mapping[str, Endpoint]:
    """Return what answers the routes of vectors."""
    return {MODELS: vector_models(embeds), EMBEDDINGS: embeddings(embeds)}
