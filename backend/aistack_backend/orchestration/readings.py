"""Questions whose answer changes nothing: they are read, not run, so no gate stands before them."""

from __future__ import annotations

import re
from typing import Protocol

from aistack_backend.errors import Unavailable


class Reading(Protocol):
    """Answers one kind of question from what is here."""

    name: str
    """What stands as the task's planner, e.g. ``reading nixos.packages``."""

    def fits(self, goal: str) -> bool:
        """Say whether the goal asks this, and nothing else."""
        ...

    async def answer(self, goal: str) -> str:
        """Return the answer; changes nothing.

        Raises:
            Unavailable: what it reads is not here; one sentence.
        """
        ...


_PACKAGES = re.compile(
    r"\s*(please\s+)?(list|show|what|which)\b[\s\w,]*\b(nixos|nixpkgs|nix)\s+packages\b[\s\w]*[.?!]*\s*", re.IGNORECASE
)


class NixPackages:
    """``List available NixOS packages``: there is no index of them on this backend, and no list is made up."""

    name = "reading nixos.packages"

    def fits(self, goal: str) -> bool:
        """A plain question for a list of packages."""
        return _PACKAGES.fullmatch(goal) is not None

    async def answer(self, goal: str) -> str:
        """Say that there is no index.

        Raises:
            Unavailable: always, for as long as the NixOS documentation service keeps no index.
        """
        raise Unavailable("No index of NixOS packages is here, so there is no list to give.")
