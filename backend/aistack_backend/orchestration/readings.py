"""Questions whose answer changes nothing: they are read, not run, so no gate stands before them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Protocol

from aistack_backend.errors import Unavailable
from aistack_backend.knowledge.nixos.service import NixIndex
from aistack_backend.wire.nixos import NixKind, NixQuestion


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


_ABOUT = re.compile(r"packages\b\s*(?:for|about|named|called|with|like|matching)\s+(.+?)[.?!]*\s*$", re.IGNORECASE)
FIRST = 50
"""Names of a list; the rest is looked for by words."""


class NixPackages:
    """``List available NixOS packages``: from the index that is here, with its date; without one no list is made up."""

    name = "reading nixos.packages"

    def __init__(self, index: Callable[[], NixIndex]) -> None:
        """``index`` returns it, or raises Unavailable while there is none."""
        self._index = index

    def fits(self, goal: str) -> bool:
        """A plain question for a list of packages."""
        return _PACKAGES.fullmatch(goal) is not None

    async def answer(self, goal: str) -> str:
        """Return the packages that the question is about, or how many there are and the first by name.

        Raises:
            Unavailable: there is no index, or none of packages is in it.
        """
        return await asyncio.to_thread(self._read, goal)

    def _read(self, goal: str) -> str:
        index = self._index()
        if about := _ABOUT.search(goal):
            question = NixQuestion(question=about[1], kinds=(NixKind.PACKAGE,), most=FIRST)
            found = index.find(question)
            said = [f"{one.name} {one.version}: {one.text.partition(chr(10))[0]}" for one in found.hits]
            there, detail = bool(found.sources), found.detail
            head = f"{len(said)} packages fit {about[1]!r}:" if said else f"No package fits {about[1]!r}."
        else:
            count, names, detail = index.listed(NixKind.PACKAGE, FIRST)
            there, said = count > 0, list(names)
            head = f"{count} packages are in the index; the first {len(said)} by name:"
        if not there:
            raise Unavailable("No index of NixOS packages is here, so there is no list to give.", detail)
        return "\n".join((detail, head, *said, "To look for more: aistack-console nixos package WORDS"))
