"""What every engine in the child tells about an answer on its way, and how it refuses one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from aistack_backend.inference.protocol import Order
from aistack_backend.wire.models import Slot


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


@dataclass(frozen=True, slots=True)
class Step:
    """What one computation brought to one request; it is over when ``progress.finish`` or ``refused`` is set."""

    id: int
    progress: Progress
    text: str = ""
    refused: str = ""
    """Why it cannot be answered, in one sentence."""
    begun: bool = False
    """It has a slot now, and nothing more is said by this step."""
    used: int = 0
    """Tokens that its slot holds."""

    @property
    def over(self) -> bool:
        """Whether this is the last step of the request."""
        return bool(self.refused or self.progress.finish)


class Answering(Protocol):
    """A loaded model that serves many requests."""

    @property
    def context_size(self) -> int:
        """Tokens that one request may fill."""
        ...

    @property
    def description(self) -> str:
        """The engine's words for the model."""
        ...

    @property
    def layers(self) -> tuple[int, int]:
        """Layers of the model, and how many of them a GPU computes."""
        ...

    @property
    def gpu_able(self) -> bool:
        """Whether the engine was built to use a GPU."""
        ...

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        ...

    @property
    def waiting(self) -> int:
        """Requests that have not begun."""
        ...

    def places(self) -> dict[int, int]:
        """Return each request that waits, with how many others are served before it."""
        ...

    def shown(self) -> tuple[Slot, ...]:
        """Return the slots; may be called from another thread."""
        ...

    def add(self, order: Order) -> None:
        """Take a request into the queue."""
        ...

    def cancel(self, number: int) -> Iterator[Step]:
        """Drop a request, wherever it stands."""
        ...

    def step(self) -> Iterator[Step]:
        """Compute for a moment; yield what came of it."""
        ...
