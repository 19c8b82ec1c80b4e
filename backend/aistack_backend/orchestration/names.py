"""Finding the container a person means, and the nearest names when there is none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from aistack_backend.errors import BadInput, NotFound
from aistack_backend.wire.containers import Container

MIN_ID = 4
"""Shortest prefix of an id that counts as one."""
_ID = re.compile(r"[0-9a-f]{4,64}")


def nearest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known words most like ``word``, best first; none when nothing is like it."""
    folded = {name.lower(): name for name in known}
    return [folded[name] for name in difflib.get_close_matches(word.lower(), folded, n=count, cutoff=0.5)]


def find(word: str, containers: Sequence[Container]) -> Container:
    """Return the container that ``word`` names: by name, unique id prefix, unique image or unique part of a name.

    Raises:
        NotFound: none; the nearest names are offered.
        BadInput: several; they are named.
    """
    for found in candidates(word, containers):
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(sorted(container.full_name for container in found))
            raise BadInput(f"{word!r} could be any of {names}.", "Say one full name.")
    close = nearest(word, (container.full_name for container in containers))
    hint = f"Nearest: {', '.join(close)}." if close else "See `aistack-console containers`."
    raise NotFound(f"There is no container {word!r}.", hint)


def candidates(word: str, containers: Sequence[Container]) -> Iterable[list[Container]]:
    """Yield what ``word`` may mean, surest reading first: one of this machine, or ``host/name`` in full."""
    if "/" in word:
        yield [container for container in containers if container.full_name == word]
        return
    containers = [container for container in containers if not container.host]
    folded = word.lower()
    yield [container for container in containers if container.name == word]
    yield [container for container in containers if container.name.lower() == folded]
    if _ID.fullmatch(folded):
        yield [container for container in containers if container.id.startswith(folded)]
    yield [container for container in containers if image_word(container) == folded]
    if len(folded) >= MIN_ID - 1:
        yield [container for container in containers if folded in re.split(r"[^a-z0-9]+", container.name.lower())]


def image_word(container: Container) -> str:
    """Return the last part of the image's name without tag, e.g. ``nginx``."""
    return container.image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower()
