"""What an answer took, and how it ended, in the API's words."""

from __future__ import annotations

from typing import Any

from aistack_backend.inference.models import Piece
from aistack_backend.wire.chat import Finish

REASONS = {Finish.STOP: "stop", Finish.LENGTH: "length"}


def usage_of(last: Piece | None) -> dict[str, Any]:
    """Return the tokens as the engine counted them."""
    prompt, made = (last.prompt_tokens, last.tokens) if last else (0, 0)
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}
    return usage | {"prompt_tokens_details": {"cached_tokens": last.reused_tokens if last else 0}}


def reason_of(piece: Piece | None) -> str | None:
    """Return why an answer ended; None = it goes on."""
    return REASONS.get(piece.finish, "stop") if piece and piece.finish else None
