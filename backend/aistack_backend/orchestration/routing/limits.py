"""What a question may be, and how many of them: before anything else looks at it."""

from __future__ import annotations

import json
import math
import re
import threading
from collections import OrderedDict, deque
from typing import Any

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.routing.models import Pattern, TooOften
from aistack_backend.wire.routing import RouteRequest

QUERY = 10 * 1024
"""Bytes of a question."""
CONTEXT = 32 * 1024
"""Bytes of what is told beside it, as JSON."""
TOKENS = 8_192
"""Most tokens of one answer that may be asked for."""
SESSION = re.compile(r"[A-Za-z0-9._:\-]{1,100}")
CLIENTS = 4_096
"""Clients whose questions are counted; the one that was heard of longest ago is forgotten first."""
MINUTE, HOUR = 60.0, 3_600.0
A_MINUTE, AN_HOUR = 60, 1_000
"""Questions of one client at a role's door that has no setting of its own."""
_PATTERNS = (
    ("a script for a browser", re.compile(r"<\s*(?:script|iframe|object|embed)\b|\bjavascript\s*:\s*\S", re.I)),
    ("a browser's event", re.compile(r"<[^<>]{1,200}\bon(?:error|load|click|mouseover|focus)\s*=", re.I)),
    ("an injected statement", re.compile(r"['\"]\s*;?\s*(?:drop|delete|alter)\s+(?:table|database|from)\b", re.I)),
    ("an injected statement", re.compile(r"['\"]\s*(?:or|and)\s+['\"]?\d+['\"]?\s*=\s*['\"]?\d+", re.I)),
    ("an injected statement", re.compile(r"['\"\d)]\s*union\s+(?:all\s+)?select\b", re.I)),
    ("an injected statement", re.compile(r";\s*(?:drop|truncate)\s+(?:table|database)\b|\bxp_cmdshell\b", re.I)),
    ("a way out of a folder", re.compile(r"(?:\.\.[/\\]){2,}|\.\.[/\\](?:etc|proc|root|windows)\b", re.I)),
    ("a way out of a folder", re.compile(r"(?:%2e|\.){2}(?:%2f|%5c)|%252e%252e|\.\.%c0%af", re.I)),
    ("a lookup by a logger", re.compile(r"\$\{\s*(?:jndi|\$\{|::-)", re.I)),
    ("a command", re.compile(r"[;&|]\s*(?:cat|curl|nc|bash|sh)\s[^|]{0,80}/(?:etc/(?:passwd|shadow)|dev/tcp)", re.I)),
    ("a byte of nothing", re.compile(r"\x00|%00")),
)  # fmt: skip
"""What has no business in a question: each is the shape of an attack on some program behind, not of a topic."""


def looked_over(request: RouteRequest) -> None:
    """Let a question pass.

    Raises:
        BadInput: it is empty or too long, or a value cannot be. Pattern: it has the shape of an attack.
    """
    size = len(request.query.encode())
    if not request.query.strip() or size > QUERY:
        raise BadInput(f"A question has 1 to {QUERY} bytes; this one has {size}.", "Say it in fewer words.")
    told = context_text(request.context)
    if (size := len(told.encode())) > CONTEXT:
        raise BadInput(f"The context has {size} bytes; {CONTEXT} are the most.", "Tell less beside the question.")
    if request.session and not SESSION.fullmatch(request.session):
        raise BadInput("A session is named by 1 to 100 of A-Z, a-z, 0-9 and . _ : -.")
    if request.prefer not in ("", "local", "remote"):
        raise BadInput(f"{request.prefer[:40]!r} is no route to prefer.", "Say local, remote or nothing.")
    if not 1 <= request.max_tokens <= TOKENS:
        raise BadInput(f"max_tokens is 1 to {TOKENS}.")
    for text in (request.query, *strings(request.context)):
        refuse_patterns(text)


def refuse_patterns(text: str) -> None:
    """Raise Pattern when a text has the shape of an attack; the sentence says which."""
    for what, pattern in _PATTERNS:
        if pattern.search(text):
            raise Pattern(f"The text holds {what}, which nothing here takes.", "Ask for it in words.")


def context_text(context: dict[str, Any]) -> str:
    """Return the context as the model is told it; empty for none."""
    return json.dumps(context, ensure_ascii=False, default=str) if context else ""


def strings(value: Any) -> list[str]:
    """Return every text in a JSON value, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (str(key), *strings(inner))]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in strings(inner)]
    return []


class Rates:
    """How often each client asked; belongs to any thread."""

    def __init__(self, clock: Clock, per_minute: int, per_hour: int) -> None:
        self._clock, self._bounds = clock, ((MINUTE, per_minute, "a minute"), (HOUR, per_hour, "an hour"))
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, client: str) -> None:
        """Count one question of a client.

        Raises:
            TooOften: it had as many as it may; the sentence says when it may ask again. This one is not counted.
        """
        now = self._clock.mono()
        with self._lock:
            asked = self._asked.setdefault(client, deque())
            self._asked.move_to_end(client)
            while len(self._asked) > CLIENTS:
                self._asked.popitem(last=False)
            while asked and asked[0] <= now - HOUR:
                asked.popleft()
            for seconds, most, name in self._bounds:
                if len(asked) >= most and (first := asked[-most]) > now - seconds:
                    wait = max(1, math.ceil(first + seconds - now))
                    raise TooOften(f"{most} questions {name} are the most.", f"Ask again in {wait} s.", again=wait)
            asked.append(now)
