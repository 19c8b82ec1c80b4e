"""The port of who writes down how answers of a chat ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A finished answer of a chat. What was not measured is None."""

    session_id: int
    message_id: int
    question: str
    answer: str
    model: str
    """Empty = the rules told it."""
    route: str
    seconds: float
    """From the request to the whole answer."""
    tokens_in: int | None
    tokens_out: int | None
    cites: tuple[str, ...]
    """What was read for it."""
    alone: bool
    """The question stood by itself: it began the chat, with nothing attached or read, to the usual persona."""


class Notes(Protocol):
    """Keeps them; belongs to any thread."""

    def ended(self, one: Ended) -> None:
        """Write one down.

        Raises:
            Unavailable: the store cannot be written.
        """
        ...

    def forget(self, session_id: int) -> None:
        """Take out the words of a chat that is being deleted; Unavailable when the store cannot be written."""
        ...
