"""``GET /metrics``: every number that is measured, for Prometheus, on the operator's socket."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.parts import Held
from aistack_backend.observe import metrics as words

router = APIRouter(tags=["observe"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(parts: Held) -> Response:
    """Return what is known now; what is not known is absent."""
    return Response(words.text(parts.measured.get().now()), media_type=words.MEDIA)
