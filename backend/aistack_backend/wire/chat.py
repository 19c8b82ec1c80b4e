"""Chat sessions and the stream of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aistack_backend.wire.base import Word

OWN = "The model's own words, not measured:"
"""The line that stands between what the rules tell of what was read and what the model adds to it."""
DOCUMENT = "document "
"""How the name of a cite begins that is a piece of a document: it says something, it measured nothing."""


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
class Cite:
    """Something of the stack that was read for an answer; the answer names it as ``[number]``."""

    number: int
    what: str
    """What was read, e.g. ``ladder of redis`` or ``logs of web``."""
    at: float
    """When it was read."""
    text: str = ""
    """The lines that were read, as the model got them."""
    told: bool = False
    """The answer begins with what the rules tell of it."""


def parts(text: str, cites: Sequence[Cite]) -> tuple[str, str]:
    """Return of an answer what the rules tell of what was read, and the model's own words after :data:`OWN`.

    The first is empty unless one of ``cites`` is ``told``: a model that writes that line makes nothing measured.
    """
    if not any(cite.told for cite in cites):
        return "", text
    measured, _, own = text.partition(f"\n\n{OWN}\n\n")
    return measured, own


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
    parent_id: int = 0
    """The message that this one follows; 0 = it begins the chat."""
    siblings: tuple[int, ...] = ()
    """Every message that follows the same one, this one included, oldest first: the branches of the chat."""
    cites: tuple[Cite, ...] = ()
    route: str = ""
    """What answered: ``local``, ``rules`` …; empty = a person's message."""
    task_id: int | None = None
    """The task that this answer proposed; its action waits in the approval queue."""
    interaction_id: int = 0
    """Its number in telemetry, by which it is judged; 0 = none."""
    verdict: str = ""
    """``good``, ``bad`` or ``corrected``; empty = nobody judged it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One chat, without its messages."""

    id: int
    title: str
    created_at: float
    updated_at: float
    messages: int = 0
    persona: str = ""
    """Name of the persona that answers; empty = the usual one."""
    found: str = ""
    """Of a search: the line in which the words were found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList:
    """All sessions, last used first."""

    sessions: tuple[Session, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChange:
    """Change a session; what is None stays as it is."""

    title: str | None = None
    persona: str | None = None
    """Name of the persona that answers from now on; empty = the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One session with the messages of one branch, oldest first: that which was used last unless another is asked."""

    session: Session
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SayRequest:
    """Say something in a session (0 = a new one)."""

    session_id: int = 0
    text: str
    max_tokens: int = 512
    after: int | None = None
    """The message that this one follows, which begins a branch when something follows it already; None = the last of
    the branch used last; 0 = none, the chat is begun anew beside the old beginning."""
    again: bool = False
    """Answer the person's message ``after`` once more, as a branch; ``text`` is empty then."""
    ask: bool = False
    """Ask the stack: the answer may read ladder, logs, events, map and tasks, cites them, and may propose an action."""
    attach: tuple[str, ...] = ()
    """What is to be read for it first: ``service NAME``, ``logs NAME``, ``task ID`` or ``file NAME`` with the text
    after a newline."""
    persona: str = ""
    """Persona of a new session, or the one it changes to; empty = as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """How the model is told to answer."""

    name: str
    system: str
    own: bool = False
    """It comes from the operator's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaList:
    """Every persona, the usual one first."""

    personas: tuple[Persona, ...] = ()


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
    ahead: int | None = None
    """Requests that are served before this one while it waits for a slot."""
    looking: str = ""
    """What is being read for the answer now, e.g. ``logs of web``."""
    cites: tuple[Cite, ...] = ()
    """All that was read so far."""
    route: str = ""
    task_id: int | None = None
    """The task that the answer proposed; its action waits in the approval queue."""
