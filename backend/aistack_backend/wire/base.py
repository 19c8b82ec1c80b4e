"""The pieces that every wire type is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A state word that tolerates a newer peer: a value it does not know becomes its ``UNKNOWN`` member."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls.__members__.get("UNKNOWN")


@dataclass(frozen=True, slots=True)
class Raw:
    """Text exactly as it was, to be sent back or copied, never drawn: no widget accepts it."""

    value: str
