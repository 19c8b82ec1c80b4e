"""What a scoped rule matches: exact program and arguments of every part, or exact targets; never a string's beginning
(R1.11)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.places import High
from aistack_backend.approvals.risk import SHELL
from aistack_backend.approvals.shell import parts
from aistack_backend.errors import BadInput

KINDS = frozenset({SHELL, *(f"container.{verb}" for verb in ("start", "stop", "restart", "pause", "unpause"))})
"""What can be allowed in advance; a plan, a removal and a restore differ each time or lose something."""
ANY = "*"
"""Stands for one whole word that is no flag and no pattern."""
Pattern = list[list[str]]
"""Of a command: the words of each part. Of another kind: the targets' refs, each in a list of its own."""


def pattern_of(action: Action, wished: str = "") -> Pattern:
    """Return the pattern of an action, with the wished words in place of its own.

    Raises:
        BadInput: the kind cannot be allowed in advance, or the wish does not fit the action it is made from.
    """
    if action.kind not in KINDS:
        raise BadInput(f"A {action.kind} cannot be allowed in advance.", f"Rules are for {', '.join(sorted(KINDS))}.")
    if action.kind != SHELL:
        if wished or not action.targets:
            raise BadInput(f"A rule for {action.kind} names its targets and no words.", "Leave the pattern out.")
        return [[target.ref] for target in action.targets]
    own = _words(action.script)
    pattern = _words(wished) if wished else own
    if not pattern or any(part[0] == ANY for part in pattern):
        raise BadInput("A rule names the program of each part exactly.", "Use * only for an argument.")
    if any(_globs(word) and not (wished and word == ANY) for part in pattern for word in part):
        raise BadInput("A rule cannot hold a pattern of file names.", "Put * alone for one whole word.")
    if not all(_one_of(part, pattern) for part in own):
        raise BadInput("The pattern does not match the command that it is made from.", "Put * for whole words only.")
    return pattern


def covered(action: Action, patterns: Sequence[Pattern]) -> bool:
    """Whether every part of the action is matched by one of the patterns (all of the action's kind)."""
    if action.kind not in KINDS:
        return False
    if action.kind != SHELL:
        allowed = {ref for pattern in patterns for part in pattern for ref in part}
        return bool(action.targets) and all(target.ref in allowed for target in action.targets)
    every = [part for pattern in patterns for part in pattern]
    try:
        own = _words(action.script)
    except BadInput:
        return False
    return bool(own) and all(_one_of(part, every) for part in own)


def words(pattern: Pattern) -> str:
    """Return a pattern as it is shown."""
    return " ; ".join(" ".join(part) for part in pattern)


def dump(pattern: Pattern) -> str:
    """Return a pattern as it is stored."""
    return json.dumps(pattern, ensure_ascii=False)


def _words(script: str) -> Pattern:
    """Return the words of each part; a pattern of the shell itself in one of them is no word."""
    try:
        return parts(script)
    except High as high:
        raise BadInput(f"No rule can be made for this command: {high}.", "Approve it each time.") from high


def _one_of(part: list[str], allowed: Pattern) -> bool:
    return any(len(part) == len(one) and all(map(_fits, part, one)) for one in allowed)


def _fits(word: str, wanted: str) -> bool:
    if wanted == ANY:
        return bool(word) and not word.startswith("-") and not _globs(word)
    return word == wanted


def _globs(word: str) -> bool:
    return "*" in word or "?" in word
