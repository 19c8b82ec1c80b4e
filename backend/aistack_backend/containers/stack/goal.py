"""What a person means by a goal: a tier, some services, or everything."""

from __future__ import annotations

import difflib

from aistack_backend.containers.stack.models import Manifest
from aistack_backend.errors import BadInput


def services(manifest: Manifest, goal: str, *, with_needs: bool) -> tuple[str, ...]:
    """Return service ids in the manifest's order; ``with_needs`` adds all that they need.

    Raises:
        BadInput: a word is neither a tier nor a service; the nearest is named.
    """
    words = goal.replace(",", " ").split()
    if not words:
        return tuple(manifest.services)
    wanted: set[str] = set()
    for word in words:
        if word in manifest.tiers:
            wanted |= set(manifest.tiers[word])
        elif (name := word.removeprefix("local-ai-")) in manifest.services:
            wanted.add(name)
        else:
            raise _unknown(manifest, word)
    return closure(manifest, wanted) if with_needs else tuple(key for key in manifest.services if key in wanted)


def closure(manifest: Manifest, wanted: set[str]) -> tuple[str, ...]:
    """Return the services and all that they need, in the manifest's order."""
    found: set[str] = set()
    todo = list(wanted)
    while todo:
        key = todo.pop()
        if key not in found:
            found.add(key)
            todo += [needs.service for needs in manifest.services[key].needs if needs.required]
    return tuple(key for key in manifest.services if key in found)


def _unknown(manifest: Manifest, word: str) -> BadInput:
    known = [*manifest.tiers, *manifest.services]
    near = difflib.get_close_matches(word, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"Tiers: {', '.join(manifest.tiers)}; or name services."
    return BadInput(f"There is no tier or service {word!r}.", hint)
