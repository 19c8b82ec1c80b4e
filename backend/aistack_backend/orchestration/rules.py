"""The rule-based planner: plain verbs on one object, or one command in backticks. What it cannot read it refuses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aistack_backend.errors import BadInput
from aistack_backend.orchestration.models import FILLERS, UNFOLLOWED, VERBS, Proposal
from aistack_backend.orchestration.names import find, nearest
from aistack_backend.wire.containers import Container

NAME = "rules"
HINT = "Say e.g. `restart web`, `stop the nginx container`, `remove volume data`, or run `df -h` in backticks."
_COMMAND = re.compile(
    r"^\s*(?:please\s+)?(?:run|execute|exec|shell|sh)\b[^`]*`([^`]+)`[\s.!]*$", re.IGNORECASE | re.DOTALL
)
_FETCH = re.compile(r"^\s*(?:please\s+)?(?:fetch|get)\s+(https?://\S+?)[\s.!]*$", re.IGNORECASE)
_DOLLAR = re.compile(r"^\s*\$\s+(\S.*)$", re.DOTALL)
_WORD = re.compile(r"[\w'][\w.'/-]*")


def plan(text: str, kinds: Sequence[str], containers: Sequence[Container]) -> Proposal:
    """Read one plain request.

    Raises:
        BadInput: it names no known verb, several, or an ambiguous object; the nearest words are offered.
        NotFound: it names a container that does not exist; the nearest names are offered.
    """
    if command := command_of(text):
        return _made("shell.run", kinds, script=command)
    if url := _FETCH.match(text):
        return _made("http.fetch", kinds, target=url[1])
    words = _WORD.findall(text)
    if turned := [word for word in words if word.lower() in UNFOLLOWED]:
        raise BadInput(f"The rules do not follow {turned[0]!r}: they take one plain request.", HINT)
    verb, rest = _verb(words, re.search(r"\bvolumes?\b", text, re.IGNORECASE) is not None)
    if verb == "volume.remove":
        return _made(verb, kinds, target=_one(rest, "volume", "remove"))
    named = _one(rest, "container", verb.partition(".")[2])
    if verb.partition(".")[0] == "container":
        named = find(named, containers).ref
    return _made(verb, kinds, target=named)


def command_of(text: str) -> str:
    """Return the command that ``text`` gives in backticks after a verb, or after ``$ ``; "" when it gives none."""
    found = _COMMAND.match(text) or _DOLLAR.match(text)
    return found[1].strip() if found else ""


def meanings(text: str) -> set[str]:
    """Return what the plain verbs of ``text`` mean, e.g. ``{"restart"}``."""
    found = set()
    for word in _WORD.findall(_joined(text).lower()):
        if word in VERBS:
            found.add(VERBS[word])
    return found


def _verb(words: Sequence[str], volume: bool) -> tuple[str, list[str]]:
    joined = _joined(" ".join(words)).split()
    found = [word for word in joined if word.lower() in VERBS]
    rest = [word for word in joined if word.lower() not in VERBS and word.lower() not in FILLERS]
    means = {VERBS[word.lower()] for word in found}
    if len(means) > 1:
        raise BadInput(f"This asks for {' and '.join(sorted(means))} at once: ask for one action at a time.", HINT)
    if not means:
        raise BadInput(f"There is no verb in it that the rules know{_meant(rest)}.", HINT)
    kind = "volume" if volume else "container"
    return f"{kind}.{means.pop()}", rest


def _joined(text: str) -> str:
    text = re.sub(r"\b(shut|turn|switch|power)\s+(it\s+)?(down|off)\b", "stop", text, flags=re.IGNORECASE)
    return re.sub(r"\b(turn|switch|power)\s+on\b", "start", text, flags=re.IGNORECASE)


def _meant(words: Sequence[str]) -> str:
    for word in words:
        if close := nearest(word, VERBS, 1):
            return f"; did you mean {close[0]!r} for {word!r}?"
    return ""


def _one(words: Sequence[str], what: str, verb: str) -> str:
    if not words:
        raise BadInput(f"Which {what} is to {verb}? No name is given.", HINT)
    if len(words) > 1:
        raise BadInput(f"{' '.join(words)!r} is more than one {what} name: ask for one at a time.", HINT)
    return words[0].rstrip(".")


def _made(kind: str, kinds: Sequence[str], target: str = "", script: str = "") -> Proposal:
    if kind not in kinds:
        raise BadInput(f"{kind} cannot be run here.", f"What can: {', '.join(kinds) or 'nothing yet'}.")
    return Proposal(kind=kind, target=target, script=script, planner=NAME)
