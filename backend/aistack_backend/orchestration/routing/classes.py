"""What kind of question it is, by its first words and its shape. A guess that says what it went by."""

from __future__ import annotations

import re

_CODE = re.compile(
    r"```|^\s*(?:def|class|import|from|fn|func|package|#include|SELECT|INSERT|CREATE)\b.*[(:;{]"
    r"|\bTraceback \(most recent call last\)|\b(?:NullPointerException|SyntaxError|TypeError|segfault)\b",
    re.MULTILINE,
)
_CODE_WISH = re.compile(
    r"\b(?:write|implement|fix|refactor|debug|port|translate|optimi[sz]e|review|complete|generate)\b.{0,60}"
    r"\b(?:function|script|code|class|method|regex|query|program|module|test|derivation|flake|dockerfile|unit file"
    r"|python|bash|rust|javascript|typescript|java|sql|nix expression)\b",
    re.IGNORECASE | re.DOTALL,
)
_BEGINNINGS = (
    (
        "summarise",
        re.compile(r"(?:please\s+)?(?:summari[sz]e|sum up|tl;?dr|shorten|condense|give me the gist)\b", re.I),
    ),
    (
        "explain",
        re.compile(
            r"(?:please\s+)?(?:explain|describe|compare|why\b|how (?:do|does|is|are|can|could|should|would)\b"
            r"|what(?:'s| is| are) the (?:difference|reason|advantage)|walk me through|teach me)",
            re.I,
        ),
    ),
    (
        "lookup",
        re.compile(
            r"(?:please\s+)?(?:what|who|whom|whose|when|where|which|is|are|was|were|does|do|did|has|have|can"
            r"|list|define|name|find|show|how (?:many|much|old|long|far))\b",
            re.I,
        ),
    ),
)


def classify(query: str) -> tuple[str, str]:
    """Return the kind of question (one of ``wire.routing.CLASSES``) and what says so."""
    text = query.strip()
    if found := _CODE.search(text) or _CODE_WISH.search(text):
        return "code", f"it has {' '.join(found[0].split())[:40]!r} in it"
    for kind, pattern in _BEGINNINGS:
        if found := pattern.match(text):
            return kind, f"it begins with {found[0].lower()!r}"
    return "other", "no rule knows its form"
