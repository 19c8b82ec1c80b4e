"""What a probe says, and what it may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aistack_backend.containers.models import ExecResult

Options = Mapping[str, Any]
"""The keys of one probe, as the manifest has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one probe."""

    ok: bool
    evidence: str
    """One sentence: what was seen."""
    next_step: str = ""
    """One sentence: what to do about it; empty when ``ok``."""
    none: bool = False
    """It is ``ok`` because there was nothing to try just now; never told as passed."""


class Unprobed(Exception):
    """The probe itself could not be made (no address, no password to be had): nothing is known of the service."""


class Reach(Protocol):
    """The service as a probe reaches it. Blocks; raises ``Unprobed`` or a backend error."""

    @property
    def seconds(self) -> float:
        """How long the whole probe may take."""
        ...

    def address(self, port: int) -> tuple[str, int]:
        """Return where a container port is reached from here: where it is published, else at its own address."""
        ...

    def secret(self, name: str) -> str:
        """Return the value of a secret that the service uses, without the line's end."""
        ...

    def exec(self, command: Sequence[str], seconds: float) -> ExecResult:
        """Run a command in the service's container."""
        ...
