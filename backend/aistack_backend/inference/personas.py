"""How the model is told to answer: a few personas of ours, and those of the operator's configuration."""

from __future__ import annotations

from collections.abc import Mapping

from aistack_backend.errors import BadInput
from aistack_backend.wire.chat import Persona, PersonaList

USUAL = "assistant"
BUILT_IN: Mapping[str, str] = {
    USUAL: "You are a helpful assistant. Answer in few words.",
    "operator": (
        "You are an experienced operator of containers and Linux servers. Name the likely cause first, then the "
        "command that would prove it. Say what you do not know."
    ),
    "teacher": "You explain step by step, from what the reader knows already, with one small example.",
    "coder": "You are a careful programmer. Answer with working code first, then with what it assumes.",
    "critic": "You look for what is wrong, unsafe or unproven in what you are given, the worst first.",
}
"""Name and what the model is told."""


class Personas:
    """Every persona that a chat can have."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        """``own`` are the operator's; one with the name of ours takes its place."""
        self._told = {**BUILT_IN, **(own or {})}
        self._own = frozenset(own or ())

    def list(self) -> PersonaList:
        """Return them, the usual one first."""
        told = self._told.items()
        return PersonaList(
            personas=tuple(Persona(name=name, system=text, own=name in self._own) for name, text in told)
        )

    def named(self, name: str) -> str:
        """Return the name as it is kept: the usual one is kept as "".

        Raises:
            BadInput: there is no such persona; those that there are, are named.
        """
        if name and name not in self._told:
            raise BadInput(f"There is no persona {name!r:.40}.", f"Known personas: {', '.join(self._told)}.")
        return "" if name == USUAL else name

    def system(self, name: str) -> str:
        """Return what the model is told; one that the configuration has no more is the usual one."""
        return self._told.get(name, self._told[USUAL])
