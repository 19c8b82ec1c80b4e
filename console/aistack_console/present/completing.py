"""What can be completed in a message while it is typed: commands, what follows them, and what can be attached."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aistack_console.present.mention import KINDS, written
from aistack_console.present.slash import COMMANDS

MOST = 30
_LAST_MENTION = re.compile(r'(?:^|(?<=\s))@(?:(\w*)|(service|logs|task|file)\s+("?)([^"\n]*?))$')


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to go on: the text that takes the place of what was begun, and what it is."""

    text: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Offers:
    """Ways to go on from ``start``, a place in the text; ``files`` = the path whose files are to be looked for."""

    start: int = 0
    found: tuple[Offer, ...] = ()
    files: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Everything that can be named, with what it is."""

    services: tuple[tuple[str, str], ...] = ()
    containers: tuple[tuple[str, str], ...] = ()
    tasks: tuple[tuple[str, str], ...] = ()
    personas: tuple[tuple[str, str], ...] = ()
    models: tuple[tuple[str, str], ...] = ()


def offers(before: str, names: Names) -> Offers:
    """Return how what stands before the cursor can go on; none where nothing is begun or it is complete."""
    if before.startswith("/") and "\n" not in before:
        word, space, rest = before[1:].partition(" ")
        return _follow(word, rest, names) if space else _commands(word)
    match = _LAST_MENTION.search(before)
    if match is None:
        return Offers()
    if match[2] is None:
        kinds = [Offer(f"@{kind} ", said) for kind, said in KINDS.items() if kind.startswith(match[1])]
        return Offers(match.start(), tuple(kinds))
    return _attach(match.start(), match[2], match[4], bool(match[3]), names)


def _commands(word: str) -> Offers:
    found = (
        Offer(f"/{one.name}{' ' if one.rest else ''}", f"{one.rest}  {one.said}".strip())
        for one in COMMANDS
        if one.name.startswith(word)
    )
    return Offers(0, tuple(found))


def _follow(command: str, begun: str, names: Names) -> Offers:
    lists: dict[str, Sequence[tuple[str, str]]] = {
        "persona": names.personas,
        "model": names.models,
        "export": (("md", "Markdown"), ("json", "JSON")),
    }
    named = _named(lists.get(command, ()), begun)
    return Offers(len(command) + 2, tuple(Offer(name, said) for name, said in named if name != begun))


def _attach(start: int, kind: str, begun: str, quoted: bool, names: Names) -> Offers:
    if kind == "file":
        return Offers(start, files=begun)
    if " " in begun and not quoted:  # the name is complete and the message goes on
        return Offers()
    lists = {"service": names.services, "logs": names.containers, "task": names.tasks}
    named = _named(lists[kind], begun)
    return Offers(start, tuple(Offer(f"{written(kind, name)} ", said) for name, said in named))


def file_offers(start: int, found: Iterable[tuple[str, str]]) -> Offers:
    """Return the files that were found as ways to go on; a folder is gone into, so nothing follows it."""
    made = (Offer(written("file", path) + ("" if path.endswith("/") else " "), said) for path, said in found)
    return Offers(start, tuple(made)[:MOST])


def _named(all_of_them: Sequence[tuple[str, str]], begun: str) -> list[tuple[str, str]]:
    low = begun.lower()
    first = [one for one in all_of_them if one[0].lower().startswith(low)]
    inside = [one for one in all_of_them if low in one[0].lower() and one not in first]
    return [*first, *inside][:MOST]
