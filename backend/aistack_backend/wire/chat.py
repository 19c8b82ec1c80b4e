"""Chat sessions and the stream of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class Role(Word):
    """Who wrote a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    UNKNOWN = "unknown"


class Finish(Word):
    """How an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a session."""

    id: int
    role: Role
    text: str
    at: float
    finish: Finish | None = None
    tokens: int | None = None
    tokens_per_second: float | None = None
    first_token_after: float | None = None
    """Seconds from the request to the first token."""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One chat, without its messages."""

    id: int
    title: str
    created_at: float
    updated_at: float
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList:
    """All sessions, last used first."""

    sessions: tuple[Session, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One session with its messages, oldest first."""

    session: Session
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SayRequest:
    """Say something in a session (0 = a new one)."""

    session_id: int = 0
    text: str
    max_tokens: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece of a streamed answer (one JSON object a line). The last one has ``finish`` set."""

    session_id: int
    message_id: int
    text: str = ""
    finish: Finish | None = None
    tokens: int = 0
    tokens_per_second: float | None = None
    first_token_after: float | None = None
    context_used: int | None = None
    context_size: int | None = None
    detail: str = ""
    """Why it ended in an error, in one sentence."""
