"""From what a person types to one container."""

from __future__ import annotations

from aistack_backend.wire.containers import Container, Fleet
from aistack_backend.wire.hosts import LOCAL
from aistack_backend.wire.sources import SourceState
from aistack_console.verbs.context import VerbError
from aistack_console.verbs.exits import Exit

SHORTEST = 4
"""Characters of an id that are taken as the beginning of one."""


def container(fleet: Fleet, words: str) -> Container:
    """Return the container of that name, id, or beginning of an id; one of another machine is ``host/name``.

    Raises:
        VerbError: there is none, or more than one; the sentence names them.
    """
    host, _, rest = words.rpartition("/")
    mine = [one for one in fleet.containers if one.host == ("" if host == LOCAL else host)]
    for one in mine:
        if rest in (one.id, one.name):
            return one
    found = [one for one in mine if len(rest) >= SHORTEST and one.id.startswith(rest)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.name for one in found)
        raise VerbError(Exit.USAGE, f"The id {words} begins those of {names}.", "Type more of it.")
    if host not in ("", LOCAL, *(one.name for one in fleet.hosts)):
        raise VerbError(Exit.FAILED, f"There is no host {host}.", "See aistack-console status.")
    if (source := fleet.source_of(host)).state is not SourceState.OK:
        what = f"Whether there is a container {words} is not known: {source.detail or 'Podman does not answer.'}"
        raise VerbError(Exit.FAILED, what, source.hint)
    if there := [one.full_name for one in fleet.containers if one.host and not host and one.name == rest]:
        what = f"There is no container {words} on this machine; other machines have {', '.join(there)}."
        raise VerbError(Exit.USAGE, what, f"Say the machine too, e.g. {there[0]}.")
    raise VerbError(Exit.FAILED, f"There is no container {words}.", "See aistack-console containers.")
