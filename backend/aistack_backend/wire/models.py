"""Models on disk, the engine that runs them, and their preparation."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class EngineState(Word):
    """Where the local inference engine stands."""

    ABSENT = "absent"
    """Not built and not being built."""
    PREPARING = "preparing"
    """Being built or fetched; see the progress."""
    NO_MODEL = "no model"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    CRASHED = "crashed"
    """The child died; it is being restarted."""
    QUARANTINED = "quarantined"
    """This model crashed the child three times; it is not tried again until asked."""
    FAILED = "failed"
    """Could not be prepared or loaded; the detail says why."""
    UNKNOWN = "unknown"


class StageState(Word):
    """Where one stage of the preparation stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OFFERED = "offered"
    """Needs one confirming key before it starts."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of getting ready, with measured progress."""

    name: str
    state: StageState
    done: int = 0
    total: int | None = None
    """Same unit as ``done``; None = not known."""
    unit: str = ""
    """``bytes`` or ``steps``."""
    started_at: float | None = None
    ended_at: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlace:
    """One place where the file of a model lies."""

    store: str
    """Whose it is: ``our cache``, ``your folder``, ``Ollama``, ``LM Studio``, ``Hugging Face``."""
    path: str
    name: str = ""
    """What that store calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model of the catalogue or a file on disk."""

    id: str
    name: str
    licence: str
    origin: str
    size: int
    sha256: str = ""
    path: str = ""
    """Where it lies; empty = not here."""
    fits: bool | None = None
    """Whether its memory need fits what is free now; None = not measured."""
    needs: int | None = None
    """Estimated bytes of memory to run it."""
    active: bool = False
    loading: bool = False
    """With ``active``: it is not there yet, or could not be loaded."""
    note: str = ""
    kind: str = ""
    """``chat`` or ``embedding`` (it turns texts into vectors); empty = not known."""
    architecture: str = ""
    """By the file's header; empty = not here, or not told."""
    quantisation: str = ""
    """As the header names it, e.g. ``Q4_K_M``; empty = not known."""
    context_train: int | None = None
    """Tokens of context that it was trained with; None = not known."""
    template: bool | None = None
    """It has a chat template; None = not known."""
    cannot_chat: str = ""
    """Why it cannot be used to chat, in one sentence; empty = it can, or nobody knows yet."""
    places: tuple[ModelPlace, ...] = ()
    """Everywhere the same file lies; the first is the one that would be loaded."""
    parts: int = 1
    """Files that it is split into."""
    removable: bool = False
    """It lies in our own cache, so that we may remove it."""
    fits_gpu: bool | None = None
    """Whether its memory need fits what is free on one GPU; None = no GPU was measured."""
    have: int | None = None
    """Bytes on disk of a fetch that has not ended; it goes on from there. None = no such fetch."""
    fetching: bool = False
    tokens_per_second: float | None = None
    """Measured last; None = never."""
    first_token_after: float | None = None
    measured_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One sequence of the model's context, as the worker reported it last."""

    number: int
    rank: str = ""
    """``person`` or ``agent``; empty = nobody is served here now."""
    held: int = 0
    """Tokens whose keys and values it holds, also after an answer: they are reused when a prompt begins alike."""
    prompt: int = 0
    prompt_done: int = 0
    """Tokens of the prompt that are computed."""
    tokens: int = 0
    """Generated so far."""
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """The engine and its models, as the screens show them."""

    engine: EngineState
    since: float
    detail: str = ""
    hint: str = ""
    adapter: str = ""
    """``llama-cpp-python 0.3.36``, ``xllamacpp`` …"""
    model: str = ""
    context_size: int | None = None
    tokens_per_second: float | None = None
    """Of the last or running answer."""
    load_share: float | None = None
    """How much of the model file is loaded, 0 to 1; None = nothing is being loaded."""
    slots: tuple[Slot, ...] = ()
    waiting: int = 0
    """Requests that wait for a slot."""
    context_used: int | None = None
    """Tokens of the context that hold keys and values, all slots together."""
    memory: int | None = None
    """Bytes of memory that the worker process holds, measured."""
    layers: int | None = None
    layers_on_gpu: int | None = None
    gpu_hint: str = ""
    """A GPU is there and the model does not use it: why, and what would help; empty = nothing to say."""
    embedding_model: str = ""
    embedding_dimensions: int | None = None
    stages: tuple[Stage, ...] = ()
    cards: tuple[ModelCard, ...] = ()
