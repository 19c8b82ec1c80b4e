"""What the coordinator's parts hand each other."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from aistack_backend.errors import BackendError, BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A model's whole answer."""

    text: str
    model: str
    tokens_in: int | None = None
    """None = it was not told."""
    tokens_out: int | None = None
    cut: bool = False
    """It ended at the limit of tokens."""
    cost: Decimal | None = None
    """None = not known."""
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a document that belongs to a question."""

    id: str
    source: str
    title: str
    heading: str
    text: str
    collection: str
    cosine: float | None = None


class TooOften(BackendError):
    """One client asks more than it may."""

    type, status, title = "too-often", 429, "Too many questions"

    def __init__(self, detail: str, hint: str = "", *, again: int = 1) -> None:
        """``again``: whole seconds after which it may ask again."""
        super().__init__(detail, hint)
        self.again = again


class Pattern(BadInput):
    """A text has the shape of an attack on what lies behind."""

    type, title = "pattern-refused", "Refused text"
