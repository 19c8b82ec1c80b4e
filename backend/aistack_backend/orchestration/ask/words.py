"""Rules that choose what to read from the words of a question."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from aistack_backend.containers.service import PREFIXES
from aistack_backend.orchestration.ask.models import Read, Tool

MOST = 6
"""Reads for one question."""
NAMES = 3
"""Services that one question is about."""
SHORTEST, MISSPELT, ALIKE = 4, 6, 0.84
"""Letters that a part of a name needs, those that a misspelt one needs, and how alike it must be."""
WHY = "why health healthy unhealthy broken bad wrong down failing fails failed fail dead up ok okay status state cause \
reason problem problems trouble reachable unreachable listening ready crash crashed crashes crashing restarting \
works working alive stuck slow hangs ill sick unwell well fine"
TOPICS: dict[Tool, frozenset[str]] = {
    tool: frozenset(words.split())
    for tool, words in {
        Tool.SERVICE: WHY,
        Tool.LOGS: "log logs output printed prints stderr stdout lines",
        Tool.ERRORS: "error errors exception exceptions fatal panic traceback tracebacks warning warnings",
        Tool.EVENTS: "event events happened happen happening changed change changes recently history activity since",
        Tool.MAP: "map depend depends dependency dependencies dependants dependents needs need requires upstream "
        "downstream impact affected affects symptom symptoms",
        Tool.STACK: "stack services everything overview summary tier tiers",
        Tool.CONTAINERS: "container containers",
        Tool.TASKS: "task tasks job jobs agent agents loop loops",
        Tool.APPROVALS: "approval approvals approve approved waits wait waiting pending decide decision queue",
        Tool.RESOURCES: "memory ram cpu cpus processor load disk disks space swap gpu gpus vram usage resources "
        "resource temperature consumption",
        Tool.MODEL: "model models llm tokens slots",
        Tool.DOCUMENTS: "document documents documentation docs handbook manual wiki",
        Tool.DOCTOR: "doctor installation installed podman socket setup configured diagnose diagnosis",
    }.items()
}
USES = frozenset({"use", "uses", "using", "used"})
"""With a name they ask for the map; alone they go with what is used."""
SAME = frozenset({"it", "its", "it's", "that", "there", "this", "them"})
"""They speak of what was named before."""
ORDER = (Tool.SERVICE, Tool.ERRORS, Tool.LOGS, Tool.MAP, Tool.EVENTS, Tool.RESOURCES)
"""Reads about a name, the most telling first."""
ALONE = (
    Tool.APPROVALS, Tool.TASKS, Tool.STACK, Tool.RESOURCES, Tool.EVENTS, Tool.MAP, Tool.CONTAINERS, Tool.MODEL,
    Tool.DOCTOR, Tool.DOCUMENTS,
)  # fmt: skip
"""Reads about no single name."""
_WORD = re.compile(r"[\w'][\w.'/-]*")


def choose(question: str, names: Sequence[str], before: str = "") -> tuple[Read, ...]:
    """Return what to read for ``question``, the most telling first; nothing when no rule knows it.

    ``names`` are the services and containers that exist; ``before`` is what the person said before: when the
    question names none and says ``it``, it is about the one named there last.
    """
    words = _words(question)
    topics = {tool for tool, known in TOPICS.items() if known & set(words)}
    about = mentioned(question, names)
    if not about and SAME & set(words) and topics & {*ORDER}:
        about = mentioned(before, names)[-1:]
    named = _about(about[:NAMES], topics, bool(USES & set(words)), "why" in words)
    if not named and topics & {Tool.SERVICE, Tool.ERRORS, Tool.LOGS} and not topics & {*ALONE}:
        topics.add(Tool.STACK)
    alone = [Read(tool=tool) for tool in ALONE if tool in topics and not (about and tool in _SHARED)]
    return tuple(dict.fromkeys((*named, *alone)))[:MOST]


_SHARED = frozenset({*ORDER, Tool.STACK, Tool.CONTAINERS})
"""With a name they are read about it, or mean nothing more."""


def _about(about: Sequence[str], topics: set[Tool], uses: bool, why: bool) -> list[Read]:
    wanted = set(topics & set(ORDER)) | ({Tool.MAP} if uses and Tool.RESOURCES not in topics else set())
    if why:
        wanted |= {Tool.SERVICE, Tool.ERRORS, Tool.EVENTS}
    if not wanted:
        wanted = {Tool.SERVICE}
    return [Read(tool=tool, about=name) for name in about for tool in ORDER if tool in wanted]


def mentioned(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that ``text`` speaks of, in its order: whole, without the stack's prefix, by a long enough part
    that only one has, or nearly."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(_short(name).lower(), name)
    spoken = f" {' '.join(_words(text))} "
    found = {at: name for key, name in known.items() if (at := _at(spoken, key)) >= 0}
    if not found:
        found = {spoken.index(word): name for word in spoken.split() if (name := _part(word, known))}
    return list(dict.fromkeys(found[at] for at in sorted(found)))


def _at(spoken: str, key: str) -> int:
    forms = {key, key.replace("-", " "), key.replace("_", " "), *(f"{prefix}{key}" for prefix in PREFIXES)}
    return max(spoken.rfind(f" {form} ") for form in forms)


def _part(word: str, known: dict[str, str]) -> str:
    if len(word) < SHORTEST or any(word in topic for topic in TOPICS.values()):
        return ""
    having = [name for key, name in known.items() if word in re.split(r"[^a-z0-9]+", key)]
    if len(having) == 1:
        return having[0]
    close = difflib.get_close_matches(word, known, n=1, cutoff=ALIKE) if len(word) >= MISSPELT else []
    return known[close[0]] if close else ""


def _words(text: str) -> list[str]:
    return [word.rstrip(".'/-").removesuffix("'s") for word in _WORD.findall(text.lower().replace("’", "'"))]


def _short(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
