"""A request that is one line of JSON, laid out one field a line: the same text with line breaks, or as it came."""

from __future__ import annotations

import json

LONGEST = 80
"""Characters of one line that need no laying out."""


def laid_out(script: str) -> str:
    """Return JSON of one long line with a line for each field; anything else comes back as it is.

    Nothing is lost, added or changed but blanks between fields: JSON that does not give its own text again
    (a field named twice, an escaped letter, another order) stays one line, as it is hashed.
    """
    if len(script) <= LONGEST or not script.startswith("{") or "\n" in script:
        return script
    try:
        read = json.loads(script)
        same = json.dumps(read, ensure_ascii=False, separators=(",", ":")) == script
    except (ValueError, RecursionError):
        return script
    return json.dumps(read, ensure_ascii=False, indent=2) if same else script
