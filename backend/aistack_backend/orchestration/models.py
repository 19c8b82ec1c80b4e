"""What the agent talks about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One action that a planner wishes for. It is only words: the preparer makes it exact, the gate judges it."""

    kind: str
    target: str = ""
    script: str = ""
    says: str = ""
    """The planner's own reason; shown apart, never trusted."""
    planner: str
    """``rules`` or ``model NAME``."""
    note: str = ""
    """Why this planner and not the one asked for first; a sentence for the task, or empty."""


VERBS: dict[str, str] = {
    "start": "start",
    "launch": "start",
    "boot": "start",
    "stop": "stop",
    "halt": "stop",
    "shutdown": "stop",
    "restart": "restart",
    "reboot": "restart",
    "bounce": "restart",
    "kill": "kill",
    "terminate": "kill",
    "pause": "pause",
    "freeze": "pause",
    "suspend": "pause",
    "unpause": "unpause",
    "resume": "unpause",
    "unfreeze": "unpause",
    "remove": "remove",
    "delete": "remove",
    "rm": "remove",
    "destroy": "remove",
}
"""Plain verbs and what they mean."""
UNFOLLOWED = frozenset(
    {"all", "every", "everything", "not", "don't", "dont", "never", "no", "without", "except", "unless", "avoid"}
)
"""Words that turn a request around or widen it: the rules refuse them."""
FILLERS = frozenset(
    (
        *("a", "an", "and", "please", "can", "could", "you", "would", "the", "this", "that", "my", "our", "me"),
        *("container", "containers", "volume", "volumes", "service", "called", "named", "now", "for", "to", "it"),
        *("again", "just", "immediately", "right", "i", "want", "need"),
    )
)
"""Words that carry no choice."""
