"""What every engine in the child tells about an answer on its way, and how it refuses one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


class CannotAnswer(ValueError):
    """This request or this model cannot be served; the text is one sentence."""


@dataclass(slots=True)
class Progress:
    """Where one answer stands; the caller reads it between pieces."""

    tokens: int = 0
    prompt: int = 0
    reused: int = 0
    dropped: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    finish: str = ""

    @property
    def rate(self) -> float | None:
        """Tokens a second between the first and the newest token; None before the second."""
        if self.tokens < 2 or self.last_at <= self.first_at:
            return None
        return (self.tokens - 1) / (self.last_at - self.first_at)


class Answering(Protocol):
    """A loaded model."""

    context_size: int

    @property
    def used(self) -> int:
        """Tokens in the context now."""
        ...

    @property
    def description(self) -> str:
        """The engine's words for the model."""
        ...

    def answer(
        self, turns: Sequence[tuple[str, str]], limit: int, temperature: float, grammar: str, progress: Progress
    ) -> Iterator[str]:
        """Yield the text of one answer as it is made; raises CannotAnswer."""
        ...
