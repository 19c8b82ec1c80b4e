"""Whether a person's message asks for an action: only then can a chat propose one."""

from __future__ import annotations

import re

from aistack_backend.orchestration.models import VERBS
from aistack_backend.orchestration.rules import command_of

LONGEST = 400
"""Characters of a message that asks for one action."""
_OPENING = re.compile(
    r"^(?:(?:please|pls|kindly|now|can you|could you|would you|will you|i want you to|i need you to|you should|"
    r"go ahead and|propose to|try to)[\s,]+)+",
    re.IGNORECASE,
)
_SWITCH = re.compile(r"^(?:shut|turn|switch|power)\s+(?:\w+\s+)?(?:down|off|on)\b", re.IGNORECASE)
_FETCH = re.compile(r"^(?:fetch|get)\s+https?://", re.IGNORECASE)


def asks(message: str) -> bool:
    """Say whether the message, as a whole, is one plain request to do something: it is one line, and it begins with a
    verb of the rules, a command in backticks after ``run``, or an address to fetch.

    A line within it (a pasted log, a quotation) never counts, nor does a question that only speaks of an action.
    """
    text = message.strip()
    if not text or len(text) > LONGEST or len(text.splitlines()) > 1:
        return False
    opened = _OPENING.sub("", text)
    if opened == text and text.endswith("?"):
        return False
    first = re.match(r"[A-Za-z]+", opened)
    verb = first is not None and first[0].lower() in VERBS
    return verb or bool(command_of(text) or _SWITCH.match(opened) or _FETCH.match(opened))
