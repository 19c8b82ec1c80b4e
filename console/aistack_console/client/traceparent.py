"""The head of a call that may change something: it begins a trace, which the backend goes on with (W3C)."""

from __future__ import annotations

import secrets


def begun(method: str) -> dict[str, str]:
    """Return the header that names a new trace and this console's part of it; nothing for a call that only reads."""
    if method == "GET":
        return {}
    return {"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}
