"""From what a person types to one container."""

from __future__ import annotations

from aistack_backend.wire.containers import Container, Fleet
from aistack_backend.wire.sources import SourceState
from aistack_console.verbs.context import VerbError
from aistack_console.verbs.exits import Exit

SHORTEST = 4
"""Characters of an id that are taken as the beginning of one."""


def container(fleet: Fleet, words: str) -> Container:
    """Return the container of that name, id, or beginning of an id.

    Raises:
        VerbError: there is none, or more than one; the sentence names them.
    """
    for one in fleet.containers:
        if words in (one.id, one.name):
            return one
    found = [one for one in fleet.containers if len(words) >= SHORTEST and one.id.startswith(words)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.name for one in found)
        raise VerbError(Exit.USAGE, f"The id {words} begins those of {names}.", "Type more of it.")
    if fleet.source.state is not SourceState.OK:
        what = f"Whether there is a container {words} is not known: {fleet.source.detail or 'Podman does not answer.'}"
        raise VerbError(Exit.FAILED, what, fleet.source.hint)
    raise VerbError(Exit.FAILED, f"There is no container {words}.", "See aistack-console containers.")
