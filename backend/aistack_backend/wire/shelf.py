"""What models lie on this machine, where they were looked for, and what was measured of each."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.models import ModelCard, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLook:
    """One place that was looked through for models."""

    store: str
    path: str
    files: int = 0
    """GGUF files that were seen there."""
    detail: str = ""
    """Why not all of it could be seen; empty = it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShelf:
    """Every model on disk or offered: loaded first, then those that are here, then the offered ones."""

    at: float | None
    """When the disk was looked through; None = not yet."""
    cards: tuple[ModelCard, ...] = ()
    left_out: int = 0
    """Models that are here and not in ``cards``, which is bounded; each can be asked for by its id."""
    looks: tuple[StoreLook, ...] = ()
    stages: tuple[Stage, ...] = ()
    """Fetches, newest last."""
    hashing: int = 0
    """Files whose sha256 is still being computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement of one model on this machine."""

    at: float
    kind: str
    """``bench`` or ``answer``."""
    adapter: str
    tokens: int
    prompt_tokens: int | None = None
    """Tokens of the prompt that were computed for it."""
    tokens_per_second: float | None = None
    first_token_after: float | None = None
    """Seconds from the request to the first token."""
    load: float | None = None
    """The machine's load average of one minute when it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDetail:
    """One model and everything that was measured of it, newest first."""

    card: ModelCard
    measured: tuple[Measured, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """Fetch a model that the catalogue does not have."""

    source: str
    """A URL, ``hf:OWNER/REPO/FILE.gguf`` or ``OWNER/REPO:FILE.gguf``."""
    sha256: str = ""
    """What it must be; empty = what the hub says, if it says anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRequest:
    """Remove a model's file from our own cache."""

    typed_name: str
    """Its id once more, typed by whoever removes it."""
