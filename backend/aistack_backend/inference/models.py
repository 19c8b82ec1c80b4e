"""What the inference room talks about: settings, model requests, pieces of an answer, typed errors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.wire.chat import Finish, Role
from aistack_backend.wire.models import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceSettings:
    """What the operator may set about the local model."""

    model_path: str = ""
    """A GGUF file of the operator's own, loaded at the start; empty = a model of the catalogue."""
    folders: tuple[str, ...] = ()
    """Further folders that are looked through for GGUF files."""
    stores: bool = True
    """Look into the stores of other programs."""
    hub: str = "https://huggingface.co"
    """Where a hub name is fetched from."""
    fetch_most: int = 64_000_000_000
    """Most bytes that one fetched model may have."""
    model: str = ""
    """Catalogue id to load at the start; empty = the one last used, else the small one."""
    auto_prepare: bool = True
    """Build the engine and fetch the small model at start."""
    lora: str = ""
    """Name of the adapter in the data folder that is put on the model; empty = none."""
    context: int = 4096
    """Tokens of context wished for; capped by the model and by memory."""
    threads: int = 0
    """Threads that compute; 0 = one for each physical core this process may use."""
    idle_unload: float = 0.0
    """Seconds without a question until the model is unloaded; the next question loads it again. 0 = never."""
    adapter: str = "auto"
    """``auto`` (a ready-made first engine until ours is built), ``llama`` (ours only), ``memory`` (no model at all)."""


class Rank(IntEnum):
    """Who goes first."""

    PERSON = 0
    AGENT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of the prompt."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation."""

    turns: tuple[Turn, ...]
    max_tokens: int = 512
    temperature: float = 0.3
    """0 = always the likeliest token."""
    schema: str = ""
    """JSON Schema that the text must satisfy (:mod:`~aistack_backend.inference.grammar`); empty = free text."""
    rank: Rank = Rank.AGENT
    prompt: str = ""
    """Raw text to go on with, in which special tokens mean nothing; instead of ``turns``."""
    within: float = 0.0
    """Seconds until it is given up, its wait for a slot included; 0 = never."""
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of an answer; the last one, and only that, has ``finish`` set."""

    text: str = ""
    finish: Finish | None = None
    tokens: int = 0
    """Generated so far."""
    tokens_per_second: float | None = None
    """Measured between the first and the newest token; None before the second."""
    ahead: int | None = None
    """Others that are served before this request, which has no slot yet; None = it has begun, or that is not known."""
    prompt_tokens: int = 0
    reused_tokens: int = 0
    """Tokens of the prompt that were still in the model's memory from the turn before."""
    dropped_turns: int = 0
    """Oldest messages left out because the context is full."""
    context_used: int = 0
    context_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """Vectors of texts, in their order."""

    model: str
    """Card id, or the file's name."""
    dimensions: int
    vectors: tuple[tuple[float, ...], ...]
    """Each of length one."""
    tokens: int
    """Of all texts together."""
    sha256: str = ""
    """Of the model's file: vectors of different ones cannot be compared. Empty = nobody computed it."""
    counts: tuple[int, ...] = ()
    """Tokens of each text; empty = only their sum was told."""
    window: int | None = None
    """Tokens that one text may have; None = not told."""
    loaded_in: float | None = None
    """Seconds that loading the model took; None = nothing was loaded, or it was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model that is ready to answer."""

    path: Path
    context_size: int
    description: str
    """The engine's own words, e.g. ``llama ?B Q4_1``."""
    layers: int | None = None
    layers_on_gpu: int | None = None
    gpu_able: bool = False
    """The engine was built to use a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the worker holds and does now, as it told last."""

    slots: tuple[Slot, ...] = ()
    waiting: int = 0
    memory: int | None = None
    """Bytes; None = no worker runs."""
    share: float | None = None
    """Of the model file that is being loaded; None = none is."""


class EngineDied(Unavailable):
    """The model worker ended or hung while something waited for it."""

    type, title = "model-worker-died", "The model worker died"


class TooMany(Unavailable):
    """As many requests as are taken wait for the model already."""

    type, title = "too-many-requests", "Too many requests"


class BadModel(BadInput):
    """The model file cannot be used; the sentence says what is wrong with it."""

    type, title = "bad-model", "Unusable model file"


class Quarantined(Unavailable):
    """This model crashed the worker three times and is not tried again until asked."""

    type, title = "model-quarantined", "Model in quarantine"
